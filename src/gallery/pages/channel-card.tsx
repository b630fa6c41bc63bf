import { useState } from 'preact/hooks';

import { api, type ChannelView, type ChannelWithSecret } from '../api.js';
import { at } from '../base.js';
import { Confirm } from '../parts/confirm.js';
import { CopyButton } from '../parts/copy-button.js';
import { Problem } from '../parts/problem.js';
import { lightOf } from './channel-light.js';

interface ChannelCardProps {
  readonly channel: ChannelView;
  readonly onChange: () => void;
  /** Of a rotation: a new secret, to be shown once. */
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
        <input
          class="input mono"
          readOnly
          value={webhookUrl}
          aria-label={`Webhook address of ${name ?? id}`}
        />
        <CopyButton text={webhookUrl} label={`Copy the webhook address of ${name ?? id}`} />
      </div>
      <details class="raw">
        <summary>How to connect it</summary>
        <ol class="steps">
          {setup.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {settings.length > 0 && <p class="hint">Set: {settings.join(', ')}</p>}
      </details>
      <div class="button-row">
        <a class="button small" href={at(`/admin?channel=${encodeURIComponent(id)}`)}>
          Its media
        </a>
        {channel.source === 'database' ? (
          <ChannelButtons channel={channel} onChange={onChange} onSecret={onSecret} />
        ) : (
          <span class="hint read-only">Set in the environment: change it there</span>
        )}
      </div>
    </li>
  );
}

function ChannelButtons({ channel, onChange, onSecret }: ChannelCardProps) {
  const { id, enabled } = channel;
  const [asking, setAsking] = useState<'rotate' | 'delete' | null>(null);
  const [error, setError] = useState<unknown>();
  const close = (): void => {
    setAsking(null);
  };
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
      <button
        type="button"
        class="button small"
        onClick={() => {
          setAsking('rotate');
        }}
      >
        New secret
      </button>
      <button
        type="button"
        class="button small quiet-danger"
        onClick={() => {
          setAsking('delete');
        }}
      >
        Delete
      </button>
      {error !== undefined && <Problem error={error} />}
      {asking === 'rotate' && (
        <Confirm
          title="Make a new webhook secret?"
          action="Make a new one"
          onClose={close}
          onConfirm={async () => {
            onSecret(await api.channels.rotate(id));
          }}
        >
          <p>
            The old one stays valid beside it until the next time, so that you can change it at the provider
            in peace.
          </p>
        </Confirm>
      )}
      {asking === 'delete' && (
        <Confirm
          title="Delete this channel?"
          action="Delete"
          typed={id}
          onClose={close}
          onConfirm={async () => {
            await api.channels.delete(id);
            onChange();
          }}
        >
          <p>Its webhooks are refused from now on. What was received stays.</p>
        </Confirm>
      )}
    </>
  );
}
