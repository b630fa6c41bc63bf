import { useState } from 'preact/hooks';

import { api, type ChannelView, type ConnectionView } from '../api.js';
import { ago } from '../format.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import { sentence } from '../problem-text.js';
import { useLoad } from '../use-load.js';
import type { Light } from './channel-light.js';
import { LightLine } from './light-line.js';

/** What the provider knows about the webhook of a channel, and the button that tells it the address. */
export function ConnectionStep({ channel }: { readonly channel: ChannelView }) {
  const { canConnect, webhookUrl } = channel;
  const { view, isBusy, error, check, connect } = useConnection(channel.id);
  const isConnected = view?.isConnected === true;
  return (
    <section class="connect-step" aria-busy={isBusy}>
      <h3>{t('connect.address')}</h3>
      <div role="status">
        {view && <ProviderView view={view} address={webhookUrl} />}
        {!view && isBusy && <p class="hint">{t('connect.asking')}</p>}
      </div>
      {error !== undefined && <Problem error={error} />}
      {canConnect && (
        <div class="button-row">
          <button
            type="button"
            class={isConnected ? 'button' : 'button primary'}
            disabled={isBusy}
            onClick={connect}
          >
            {isConnected ? t('connect.again') : t('channel.connect')}
          </button>
          <button type="button" class="button" disabled={isBusy} onClick={check}>
            {t('connect.check_again')}
          </button>
        </div>
      )}
      <SetupSteps channel={channel} />
    </section>
  );
}

/** The way without the API of the provider. */
function SetupSteps({ channel: { canConnect, setup, settings } }: { readonly channel: ChannelView }) {
  return (
    <details class="raw" open={!canConnect}>
      <summary>{canConnect ? t('connect.by_hand') : t('connect.steps')}</summary>
      <ol class="steps">
        {setup.map((step) => (
          <li key={step}>{serviceText(step)}</li>
        ))}
      </ol>
      {settings.length > 0 && <p class="hint">{t('channel.settings', { names: settings.join(', ') })}</p>}
    </details>
  );
}

/** The provider's view, which is loaded at once, again on request, and after connecting. */
function useConnection(id: string) {
  const [connected, setConnected] = useState<ConnectionView>();
  const [isConnecting, setConnecting] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const { value, error, loading, reload } = useLoad(() => api.channels.connection(id), id);
  const connect = async (): Promise<void> => {
    setConnecting(true);
    setProblem(undefined);
    try {
      setConnected(await api.channels.connect(id));
    } catch (failure) {
      setProblem(failure);
    } finally {
      setConnecting(false);
    }
  };
  return {
    view: connected ?? value,
    isBusy: loading || isConnecting,
    error: problem ?? (connected ? undefined : error),
    connect: () => void connect(),
    check: () => {
      setConnected(undefined);
      setProblem(undefined);
      reload();
    },
  };
}

interface ProviderViewProps {
  readonly view: ConnectionView;
  readonly address: string;
}

function ProviderView({ view, address }: ProviderViewProps) {
  const { supported, reason, pending, lastError, notes } = view;
  if (!supported) return <p class="hint">{sentence(serviceText(reason ?? ''))}</p>;
  return (
    <>
      <LightLine light={lightOfConnection(view, address)} />
      {lastError !== null && (
        <p class="error-text">
          {lastError.message}
          {lastError.at !== null && ` (${ago(lastError.at)})`}
        </p>
      )}
      {pending !== null && pending > 0 && <p class="hint">{t('connect.pending', { count: pending })}</p>}
      {notes.map((note) => (
        <p key={note} class="hint">
          {serviceText(note)}
        </p>
      ))}
    </>
  );
}

/** The provider's view as a coloured light with a sentence. */
function lightOfConnection({ url, isConnected, lastError }: ConnectionView, address: string): Light {
  if (isConnected === null) return { colour: 'grey', words: t('connect.taken') };
  if (isConnected)
    return lastError === null
      ? { colour: 'green', words: t('connect.calls') }
      : { colour: 'amber', words: t('connect.calls_with_error') };
  if (url === null) return { colour: 'grey', words: t('connect.calls_nothing') };
  return url === address
    ? { colour: 'amber', words: t('connect.incomplete') }
    : { colour: 'amber', words: t('connect.calls_other', { url }) };
}
