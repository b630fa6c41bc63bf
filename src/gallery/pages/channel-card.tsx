import { useState } from 'preact/hooks';

import { api, type ChannelView, type ChannelWithSecret } from '../api.js';
import { at } from '../base.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
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
  /** Called to open the steps that connect the channel. */
  readonly onConnect: (channel: ChannelView) => void;
}

export function ChannelCard({ channel, onChange, onSecret, onConnect }: ChannelCardProps) {
  const { id, name, provider, webhookUrl, enabled, canConnect, setup, settings } = channel;
  const light = lightOf(channel);
  return (
    <li class="card panel">
      <div class="card-head">
        <i class={`light ${light.colour}`} aria-hidden="true" />
        <h2>{name ?? id}</h2>
        <span class="badge">{provider}</span>
        {!enabled && <span class="badge disabled">{t('channel.disabled')}</span>}
      </div>
      <p class="hint">{light.words}</p>
      <div class="copy-field">
        <input
          class="input mono"
          readOnly
          value={webhookUrl}
          aria-label={t('channel.url_of', { name: name ?? id })}
        />
        <CopyButton text={webhookUrl} label={t('channel.copy_url', { name: name ?? id })} />
      </div>
      <details class="raw">
        <summary>{t('channel.how')}</summary>
        <ol class="steps">
          {setup.map((step) => (
            <li key={step}>{serviceText(step)}</li>
          ))}
        </ol>
        {settings.length > 0 && <p class="hint">{t('channel.settings', { names: settings.join(', ') })}</p>}
      </details>
      <div class="button-row">
        {enabled && (
          <button
            type="button"
            class="button small"
            onClick={() => {
              onConnect(channel);
            }}
          >
            {canConnect ? t('channel.connect') : t('channel.set_up')}
          </button>
        )}
        <a class="button small" href={at(`/admin?channel=${encodeURIComponent(id)}`)}>
          {t('channel.view_media')}
        </a>
        {channel.source === 'database' ? (
          <ChannelButtons channel={channel} onChange={onChange} onSecret={onSecret} />
        ) : (
          <span class="hint read-only">{t('channel.read_only')}</span>
        )}
      </div>
    </li>
  );
}

function ChannelButtons({ channel, onChange, onSecret }: Omit<ChannelCardProps, 'onConnect'>) {
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
        {enabled ? t('channel.disable') : t('channel.enable')}
      </button>
      <button type="button" class="button small" onClick={rotation.open}>
        {t('channel.new_secret')}
      </button>
      <button type="button" class="button small quiet-danger" onClick={deletion.open}>
        {t('common.delete')}
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
      title={t('channel.rotate_title')}
      action={t('channel.create_secret')}
      onClose={onClose}
      onConfirm={async () => {
        onRotated(await api.channels.rotate(id));
      }}
    >
      <p>{t('channel.rotate_text')}</p>
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
      title={t('channel.delete_title')}
      action={t('common.delete')}
      typed={id}
      onClose={onClose}
      onConfirm={async () => {
        await api.channels.delete(id);
        onDeleted();
      }}
    >
      <p>{t('channel.delete_text')}</p>
    </Confirm>
  );
}
