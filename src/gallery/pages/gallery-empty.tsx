import { at } from '../base.js';
import type { Filters } from '../filters.js';
import { t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { isAdmin } from '../session.js';

/** Explains why the gallery is empty and what to do. */
export function NothingToSee({ filters }: { readonly filters: Filters }) {
  if (Object.keys(filters).length > 0) {
    return (
      <Empty icon="search" title={t('gallery.nothing_found')}>
        <p>{t('gallery.no_match')}</p>
        <a class="button" href={at('/admin')}>
          {t('gallery.clear_filters')}
        </a>
      </Empty>
    );
  }
  return (
    <Empty icon="gallery" title={t('gallery.nothing_yet')}>
      <p>{t('gallery.first_steps')}</p>
      {isAdmin.value && (
        <a class="button primary" href={at('/admin/channels')}>
          {t('gallery.connect')}
        </a>
      )}
    </Empty>
  );
}
