import { useState } from 'preact/hooks';

import { api, type SampleResult, type SubscriptionView } from '../api.js';
import { ago, capital } from '../format.js';
import { t } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import { useOpen } from '../use-open.js';
import { DeleteSubscription, RotateSubscription } from './subscription-dialogs.js';
import { SubscriptionPosts } from './subscription-posts.js';

interface SubscriptionCardProps {
  readonly subscription: SubscriptionView;
  readonly onChange: () => void;
  /** Receives the new secret after a rotation, to show it once. */
  readonly onSecret: (secret: string) => void;
}

export function SubscriptionCard({ subscription, onChange, onSecret }: SubscriptionCardProps) {
  const calls = useCalls(subscription.id, onChange);
  const posts = useOpen();
  const rotation = useOpen();
  const deletion = useOpen();
  return (
    <li class="card panel">
      <Description subscription={subscription} />
      <div class="button-row">
        <SmallButton
          label={t('subscription.test')}
          disabled={calls.result === 'busy'}
          onClick={calls.sendTest}
        />
        <button
          type="button"
          class="button small"
          aria-expanded={posts.isOpen}
          onClick={posts.isOpen ? posts.close : posts.open}
        >
          {t('subscription.posts')}
        </button>
        <SmallButton label={t('channel.new_secret')} onClick={rotation.open} />
        {subscription.state === 'disabled' && (
          <SmallButton label={t('subscription.enable')} onClick={calls.enable} />
        )}
        <button type="button" class="button small quiet-danger" onClick={deletion.open}>
          {t('common.delete')}
        </button>
      </div>
      <SampleAnswer result={calls.result} />
      {calls.error !== undefined && <Problem error={calls.error} />}
      {posts.isOpen && <SubscriptionPosts id={subscription.id} />}
      {rotation.isOpen && (
        <RotateSubscription
          subscription={subscription}
          onClose={rotation.close}
          onRotated={(secret) => {
            onSecret(secret);
            onChange();
          }}
        />
      )}
      {deletion.isOpen && (
        <DeleteSubscription subscription={subscription} onClose={deletion.close} onDeleted={onChange} />
      )}
    </li>
  );
}

interface SmallButtonProps {
  readonly label: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

function SmallButton({ label, disabled = false, onClick }: SmallButtonProps) {
  return (
    <button type="button" class="button small" disabled={disabled} onClick={onClick}>
      {label}
    </button>
  );
}

type Sample = SampleResult | 'busy' | null;

/** The calls that the buttons of a card make, with the result of the last test and the last error. */
function useCalls(id: string, onChange: () => void) {
  const [result, setResult] = useState<Sample>(null);
  const [error, setError] = useState<unknown>();
  const run = async (call: () => Promise<void>): Promise<void> => {
    setError(undefined);
    try {
      await call();
    } catch (problem) {
      setResult(null);
      setError(problem);
    }
  };
  const test = async (): Promise<void> => {
    setResult('busy');
    setResult(await api.subscriptions.test(id));
  };
  const enable = async (): Promise<void> => {
    await api.subscriptions.change(id, { enabled: true });
    onChange();
  };
  return { result, error, sendTest: () => void run(test), enable: () => void run(enable) };
}

function Description({ subscription }: { readonly subscription: SubscriptionView }) {
  const { url, description, types, channels, state, problem } = subscription;
  return (
    <>
      <div class="card-head">
        <h2 class="url">{url}</h2>
        <span class={`badge ${state}`}>{t(`subscription_state.${state}`)}</span>
      </div>
      {description !== null && <p>{description}</p>}
      <p class="hint">
        {types.length === 0 ? t('subscription.all_events') : types.join(', ')} ·{' '}
        {channels.length === 0 ? t('subscription.all_channels') : channels.join(', ')}
      </p>
      <Health subscription={subscription} />
      {problem !== null && <p class="error-text">{capital(problem)}</p>}
    </>
  );
}

function SampleAnswer({ result }: { readonly result: Sample }) {
  const failed = result !== null && result !== 'busy' && !result.delivered;
  return (
    <p class={failed ? 'error-text' : 'hint'} role="status">
      {wordsFor(result)}
    </p>
  );
}

function wordsFor(result: Sample): string {
  if (result === null) return '';
  if (result === 'busy') return t('subscription.testing');
  const status = String(result.status ?? '');
  const why = result.error ?? '';
  if (result.delivered) return t('subscription.delivered', { status });
  return status === ''
    ? t('subscription.not_delivered', { why })
    : t('subscription.not_delivered_status', { status, why });
}

function disabledText(when: string, why: string | null): string {
  if (why === null) return t('subscription.disabled', { ago: when });
  return t('subscription.disabled_because', { ago: when, why });
}

function Health({ subscription }: { readonly subscription: SubscriptionView }) {
  const { lastDeliveredAt, failingSince, lastError, disabledAt, disabledReason } = subscription;
  const sentences = [
    lastDeliveredAt === null
      ? t('subscription.nothing_delivered')
      : t('subscription.last_delivered', { ago: ago(lastDeliveredAt) }),
    failingSince === null ? null : t('subscription.failing', { ago: ago(failingSince) }),
    disabledAt === null ? null : disabledText(ago(disabledAt), disabledReason),
  ].filter((sentence) => sentence !== null);
  return (
    <>
      <p class="hint">{capital(sentences.join(' · '))}</p>
      {failingSince !== null && lastError !== null && <p class="error-text">{lastError}</p>}
    </>
  );
}
