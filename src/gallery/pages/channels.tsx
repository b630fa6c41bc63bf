import { PageHead } from '../parts/page-head.js';

export function ChannelsPage() {
  return <PageHead title="Channels" />;
}
