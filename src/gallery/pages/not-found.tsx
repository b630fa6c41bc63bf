import { at } from '../base.js';
import { t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { PageHead } from '../parts/page-head.js';

export function NotFoundPage() {
  return (
    <>
      <PageHead title={t('not_found.title')} />
      <Empty icon="search" title={t('not_found.heading')}>
        <p>
          <a href={at('/admin')}>{t('not_found.back')}</a>
        </p>
      </Empty>
    </>
  );
}
