import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret } from '../api.js';
import { Empty } from '../parts/empty.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { useLoad } from '../use-load.js';
import { useOpen } from '../use-open.js';
import { AddChannel } from './add-channel.js';
import { ChannelCard } from './channel-card.js';

export function ChannelsPage() {
  const { value, error, reload } = useLoad(api.channels.list);
  const form = useOpen();
  const [created, setCreated] = useState<ChannelWithSecret | null>(null);
  const show = (channel: ChannelWithSecret): void => {
    form.close();
    setCreated(channel.webhookSecret === null ? null : channel);
    reload();
  };
  return (
    <>
      <PageHead
        title="Channels"
        lead="Each channel is one account with a provider. Green: active in the last 24 hours."
      >
        <PageButton icon="plus" label="Add channel" onClick={form.open} />
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value?.length === 0 && (
        <Empty icon="channels" title="No channels yet">
          <p>Add one and paste its webhook URL into the provider’s console. Pictures then begin to arrive.</p>
        </Empty>
      )}
      <ul class="cards">
        {value?.map((channel) => (
          <ChannelCard key={channel.id} channel={channel} onChange={reload} onSecret={show} />
        ))}
      </ul>
      {form.isOpen && <AddChannel onAdded={show} onClose={form.close} />}
      {created?.webhookSecret != null && (
        <SecretOnce
          title={`Connect ${created.name ?? created.id}`}
          explanation="Enter both in the provider’s console. The secret is shown only once."
          secrets={[
            ['Webhook URL', created.webhookUrl],
            ['Webhook secret', created.webhookSecret],
          ]}
          onClose={() => {
            setCreated(null);
          }}
        />
      )}
    </>
  );
}
