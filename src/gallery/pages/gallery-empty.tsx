import { at } from '../base.js';
import type { Filters } from '../filters.js';
import { Empty } from '../parts/empty.js';
import { isAdmin } from '../session.js';

/** Explains why the gallery is empty and what to do. */
export function NothingToSee({ filters }: { readonly filters: Filters }) {
  if (Object.keys(filters).length > 0) {
    return (
      <Empty icon="search" title="Nothing found">
        <p>Nothing matches these filters. Remove one or clear them all.</p>
        <a class="button" href={at('/admin')}>
          Clear all filters
        </a>
      </Empty>
    );
  }
  return (
    <Empty icon="gallery" title="Nothing yet">
      <p>
        Pictures appear here as soon as a provider sends them. Connect a channel, paste its webhook URL into
        the provider’s console, and send yourself a photo.
      </p>
      {isAdmin.value && (
        <a class="button primary" href={at('/admin/channels')}>
          Connect a channel
        </a>
      )}
    </Empty>
  );
}
