import { at } from '../base.js';
import { Empty } from '../parts/empty.js';
import { PageHead } from '../parts/page-head.js';

export function NotFoundPage() {
  return (
    <>
      <PageHead title="Page not found" />
      <Empty icon="search" title="This page does not exist, or you don’t have access to it">
        <p>
          <a href={at('/admin')}>Back to the gallery</a>
        </p>
      </Empty>
    </>
  );
}
