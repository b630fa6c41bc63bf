import { useState } from 'preact/hooks';

import { api, type ChannelView, type ChannelWithSecret } from '../api.js';
import { at } from '../base.js';
import { t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { useLoad } from '../use-load.js';
import { useOpen } from '../use-open.js';
import { AddChannel } from './add-channel.js';
import { ChannelCard } from './channel-card.js';
import { ConnectChannel } from './connect-channel.js';

export function ChannelsPage() {
  const { value, error, reload } = useLoad(api.channels.list);
  const form = useOpen();
  const [created, setCreated] = useState<ChannelWithSecret | null>(null);
  const [connecting, setConnecting] = useState<ChannelView | null>(null);
  const show = (channel: ChannelWithSecret): void => {
    form.close();
    if (channel.webhookSecret === null) setConnecting(channel);
    else setCreated(channel);
    reload();
  };
  return (
    <>
      <PageHead title={t('channels.title')} lead={t('channels.lead')}>
        <a class="button" href={at('/admin/channels/custom')}>
          {t('channels.custom')}
        </a>
        <PageButton icon="plus" label={t('channels.add')} onClick={form.open} />
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value && <ChannelList channels={value} onChange={reload} onSecret={show} onConnect={setConnecting} />}
      {form.isOpen && <AddChannel onAdded={show} onClose={form.close} />}
      {created && (
        <NewSecret
          channel={created}
          onClose={() => {
            setCreated(null);
            if (created.canConnect) setConnecting(created);
          }}
        />
      )}
      {connecting && (
        <ConnectChannel
          channel={connecting}
          onClose={() => {
            setConnecting(null);
            reload();
          }}
        />
      )}
    </>
  );
}

interface ChannelListProps {
  readonly channels: readonly ChannelView[];
  readonly onChange: () => void;
  readonly onSecret: (channel: ChannelWithSecret) => void;
  readonly onConnect: (channel: ChannelView) => void;
}

function ChannelList({ channels, onChange, onSecret, onConnect }: ChannelListProps) {
  if (channels.length === 0)
    return (
      <Empty icon="channels" title={t('channels.none')}>
        <p>{t('channels.none_text')}</p>
      </Empty>
    );
  return (
    <ul class="cards">
      {channels.map((channel) => (
        <ChannelCard
          key={channel.id}
          channel={channel}
          onChange={onChange}
          onSecret={onSecret}
          onConnect={onConnect}
        />
      ))}
    </ul>
  );
}

interface NewSecretProps {
  readonly channel: ChannelWithSecret;
  readonly onClose: () => void;
}

/** Shows the secret that the service has generated for a channel. */
function NewSecret({ channel, onClose }: NewSecretProps) {
  const { id, name, webhookUrl, webhookSecret, canConnect } = channel;
  if (webhookSecret === null) return null;
  return (
    <SecretOnce
      title={t('channels.connect_named', { name: name ?? id })}
      explanation={canConnect ? t('channels.next_step') : t('channels.enter_both')}
      secrets={[
        [t('channels.webhook_url'), webhookUrl],
        [t('channels.webhook_secret'), webhookSecret],
      ]}
      onClose={onClose}
    />
  );
}
