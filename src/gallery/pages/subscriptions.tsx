import { PageHead } from '../parts/page-head.js';

export function SubscriptionsPage() {
  return <PageHead title="Subscriptions" />;
}
