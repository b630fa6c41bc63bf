import { PageHead } from '../parts/page-head.js';

export function OverviewPage() {
  return <PageHead title="Overview" />;
}
