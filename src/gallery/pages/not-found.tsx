import { at } from '../base.js';
import { Empty } from '../parts/empty.js';
import { PageHead } from '../parts/page-head.js';

export function NotFoundPage() {
  return (
    <>
      <PageHead title="Nothing here" />
      <Empty icon="search" title="There is no such page, or your token does not open it">
        <p>
          <a href={at('/admin')}>To the gallery</a>
        </p>
      </Empty>
    </>
  );
}
