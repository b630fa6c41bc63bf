import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret } from '../api.js';
import { Empty } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { useLoad } from '../use-load.js';
import { AddChannel } from './add-channel.js';
import { ChannelCard } from './channel-card.js';

export function ChannelsPage() {
  const { value, error, reload } = useLoad(api.channels.list);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<ChannelWithSecret | null>(null);
  const show = (channel: ChannelWithSecret): void => {
    setAdding(false);
    setMade(channel.webhookSecret === null ? null : channel);
    reload();
  };
  return (
    <>
      <PageHead
        title="Channels"
        lead="One account at one provider each. A green light means that it was heard from within a day."
      >
        <button
          type="button"
          class="button primary"
          onClick={() => {
            setAdding(true);
          }}
        >
          <Icon name="plus" size={18} /> Add channel
        </button>
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value?.length === 0 && (
        <Empty icon="channels" title="No channel yet">
          <p>Add one, paste its webhook address into the provider’s console, and pictures begin to arrive.</p>
        </Empty>
      )}
      <ul class="cards">
        {value?.map((channel) => (
          <ChannelCard key={channel.id} channel={channel} onChange={reload} onSecret={show} />
        ))}
      </ul>
      {adding && (
        <AddChannel
          onMade={show}
          onClose={() => {
            setAdding(false);
          }}
        />
      )}
      {made?.webhookSecret != null && (
        <SecretOnce
          title={`Connect ${made.name ?? made.id}`}
          explanation="Put both into the provider’s console. The secret is shown this once."
          secrets={[
            ['Webhook address', made.webhookUrl],
            ['Webhook secret', made.webhookSecret],
          ]}
          onClose={() => {
            setMade(null);
          }}
        />
      )}
    </>
  );
}
