import { PageHead } from '../parts/page-head.js';

export function TokensPage() {
  return <PageHead title="Tokens" />;
}
