import { t } from '../languages/text.js';
import type { Pages } from '../use-pages.js';
import { Problem } from './problem.js';

/** The end of a list: an error, or a button that loads the next page. */
export function More({ pages }: { readonly pages: Omit<Pages<unknown>, 'replace'> }) {
  if (pages.status === 'error') return <Problem error={pages.error} retry={pages.loadMore} />;
  if (pages.status === 'loading') return <p class="list-end">{t('common.loading')}</p>;
  if (pages.status === 'end') return null;
  return (
    <p class="list-end">
      <button type="button" class="button" onClick={pages.loadMore}>
        {t('common.show_more')}
      </button>
    </p>
  );
}
