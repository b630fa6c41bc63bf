import { useState } from 'preact/hooks';

import { api, type ChannelView, type ChannelWithSecret } from '../api.js';
import { at } from '../base.js';
import { Confirm } from '../parts/confirm.js';
import { CopyButton } from '../parts/copy-button.js';
import { Problem } from '../parts/problem.js';
import { useOpen } from '../use-open.js';
import { lightOf } from './channel-light.js';

interface ChannelCardProps {
  readonly channel: ChannelView;
  readonly onChange: () => void;
  /** Receives the channel with its new secret after a rotation, to show the secret once. */
  readonly onSecret: (channel: ChannelWithSecret) => void;
}

export function ChannelCard({ channel, onChange, onSecret }: ChannelCardProps) {
  const { id, name, provider, webhookUrl, setup, settings } = channel;
  const light = lightOf(channel);
  return (
    <li class="card panel">
      <div class="card-head">
        <i class={`light ${light.colour}`} aria-hidden="true" />
        <h2>{name ?? id}</h2>
        <span class="badge">{provider}</span>
        {!channel.enabled && <span class="badge disabled">disabled</span>}
      </div>
      <p class="hint">{light.words}</p>
      <div class="copy-field">
        <input class="input mono" readOnly value={webhookUrl} aria-label={`Webhook URL of ${name ?? id}`} />
        <CopyButton text={webhookUrl} label={`Copy the webhook URL of ${name ?? id}`} />
      </div>
      <details class="raw">
        <summary>How to connect it</summary>
        <ol class="steps">
          {setup.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {settings.length > 0 && <p class="hint">Settings with a value: {settings.join(', ')}</p>}
      </details>
      <div class="button-row">
        <a class="button small" href={at(`/admin?channel=${encodeURIComponent(id)}`)}>
          View media
        </a>
        {channel.source === 'database' ? (
          <ChannelButtons channel={channel} onChange={onChange} onSecret={onSecret} />
        ) : (
          <span class="hint read-only">Configured by environment variables</span>
        )}
      </div>
    </li>
  );
}

function ChannelButtons({ channel, onChange, onSecret }: ChannelCardProps) {
  const { id, enabled } = channel;
  const rotation = useOpen();
  const deletion = useOpen();
  const [error, setError] = useState<unknown>();
  const toggle = async (): Promise<void> => {
    setError(undefined);
    try {
      await api.channels.change(id, { enabled: !enabled });
      onChange();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <>
      <button type="button" class="button small" onClick={() => void toggle()}>
        {enabled ? 'Disable' : 'Enable'}
      </button>
      <button type="button" class="button small" onClick={rotation.open}>
        New secret
      </button>
      <button type="button" class="button small quiet-danger" onClick={deletion.open}>
        Delete
      </button>
      {error !== undefined && <Problem error={error} />}
      {rotation.isOpen && <RotateChannel id={id} onRotated={onSecret} onClose={rotation.close} />}
      {deletion.isOpen && <DeleteChannel id={id} onDeleted={onChange} onClose={deletion.close} />}
    </>
  );
}

interface RotateChannelProps {
  readonly id: string;
  readonly onRotated: (channel: ChannelWithSecret) => void;
  readonly onClose: () => void;
}

function RotateChannel({ id, onRotated, onClose }: RotateChannelProps) {
  return (
    <Confirm
      title="Create a new webhook secret?"
      action="Create secret"
      onClose={onClose}
      onConfirm={async () => {
        onRotated(await api.channels.rotate(id));
      }}
    >
      <p>
        The current secret stays valid beside the new one until the next rotation, so that you have time to
        change it at the provider.
      </p>
    </Confirm>
  );
}

interface DeleteChannelProps {
  readonly id: string;
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

function DeleteChannel({ id, onDeleted, onClose }: DeleteChannelProps) {
  return (
    <Confirm
      title="Delete this channel?"
      action="Delete"
      typed={id}
      onClose={onClose}
      onConfirm={async () => {
        await api.channels.delete(id);
        onDeleted();
      }}
    >
      <p>Inlet will refuse its webhooks from now on. Files that were received stay.</p>
    </Confirm>
  );
}
