import { useRef } from 'preact/hooks';

import { api, type ChannelView } from '../api.js';
import { t } from '../languages/text.js';
import { Dialog } from '../parts/dialog.js';
import { usePolled } from '../use-polled.js';
import { lightOf } from './channel-light.js';
import { ConnectionStep } from './connection-step.js';
import { LightLine } from './light-line.js';
import { TestPictureStep } from './test-picture-step.js';

interface ConnectChannelProps {
  readonly channel: ChannelView;
  readonly onClose: () => void;
}

/**
 * Leads through the connection of a channel: its address at the provider, the first webhook, and a test
 * picture.
 */
export function ConnectChannel({ channel, onClose }: ConnectChannelProps) {
  const { id, name } = channel;
  return (
    <Dialog label={t('connect.title', { name: name ?? id })} class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('connect.title', { name: name ?? id })}</h2>
        <ConnectionStep channel={channel} />
        <WebhookStep channel={channel} />
        <TestPictureStep channel={channel} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

const everyMs = 3_000;

/** Waits for a webhook, and turns green by itself when one arrives. */
function WebhookStep({ channel }: { readonly channel: ChannelView }) {
  const { id } = channel;
  const current = usePolled(id, () => api.channels.get(id), { everyMs }) ?? channel;
  const before = useRef(channel.lastWebhookAt);
  const hasArrived = current.lastWebhookAt !== before.current;
  const light = lightOf(current);
  return (
    <section class="connect-step">
      <h3>{t('connect.webhook')}</h3>
      <LightLine light={light} />
      {light.colour !== 'green' && <p class="hint">{t('connect.send_picture')}</p>}
      <p class="unseen" role="status">
        {hasArrived && t('connect.arrived')}
      </p>
    </section>
  );
}
