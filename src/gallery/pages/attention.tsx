import { PageHead } from '../parts/page-head.js';

export function AttentionPage() {
  return <PageHead title="Attention" />;
}
