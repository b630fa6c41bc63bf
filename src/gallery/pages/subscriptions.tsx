import { useState } from 'preact/hooks';

import { eventTypes } from '../../domain/event.js';
import { api, type SampleResult, type SubscriptionView } from '../api.js';
import { ago, capital } from '../format.js';
import { Confirm } from '../parts/confirm.js';
import { Empty } from '../parts/empty.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { Icon } from '../parts/icon.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { useLoad } from '../use-load.js';
import { ChannelChoice } from './channel-choice.js';
import { SubscriptionPosts } from './subscription-posts.js';

export function SubscriptionsPage() {
  const { value, error, reload } = useLoad(api.subscriptions.list);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <PageHead
        title="Subscriptions"
        lead="Addresses that are told when media are ready, fail or are rejected, and of message states. Each call is signed as Standard Webhooks says."
      >
        <button
          type="button"
          class="button primary"
          onClick={() => {
            setAdding(true);
          }}
        >
          <Icon name="plus" size={18} /> Add subscription
        </button>
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value?.length === 0 && (
        <Empty icon="subscriptions" title="Nobody is told yet">
          <p>Add the address of a program of yours, and it hears of every picture the moment it is ready.</p>
        </Empty>
      )}
      <ul class="cards">
        {value?.map((subscription) => (
          <SubscriptionCard
            key={subscription.id}
            subscription={subscription}
            onChange={reload}
            onSecret={setSecret}
          />
        ))}
      </ul>
      {adding && (
        <AddSubscription
          onClose={() => {
            setAdding(false);
          }}
          onMade={(made) => {
            setAdding(false);
            setSecret(made);
            reload();
          }}
        />
      )}
      {secret !== null && (
        <SecretOnce
          title="The signing secret"
          explanation="It is shown this once. Your program checks with it that a call is ours."
          secrets={[['Secret', secret]]}
          onClose={() => {
            setSecret(null);
          }}
        />
      )}
    </>
  );
}

interface CardProps {
  readonly subscription: SubscriptionView;
  readonly onChange: () => void;
  readonly onSecret: (secret: string) => void;
}

function SubscriptionCard({ subscription, onChange, onSecret }: CardProps) {
  const { id, url, description, types, channels, state, problem } = subscription;
  const [result, setResult] = useState<SampleResult | 'busy' | null>(null);
  const [error, setError] = useState<unknown>();
  const [asking, setAsking] = useState<'rotate' | 'delete' | null>(null);
  const [showsPosts, setShowsPosts] = useState(false);
  const close = (): void => {
    setAsking(null);
  };
  const run = async (task: () => Promise<void>): Promise<void> => {
    setError(undefined);
    try {
      await task();
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
  return (
    <li class="card panel">
      <div class="card-head">
        <h2 class="url">{url}</h2>
        <span class={`badge ${state}`}>{state}</span>
      </div>
      {description !== null && <p>{description}</p>}
      <p class="hint">
        {types.length === 0 ? 'All events' : types.join(', ')} ·{' '}
        {channels.length === 0 ? 'all channels' : channels.join(', ')}
      </p>
      <Health subscription={subscription} />
      {problem !== null && <p class="error-text">{capital(problem)}</p>}
      <div class="button-row">
        <button
          type="button"
          class="button small"
          disabled={result === 'busy'}
          onClick={() => void run(test)}
        >
          Send a test
        </button>
        <button
          type="button"
          class="button small"
          aria-expanded={showsPosts}
          onClick={() => {
            setShowsPosts(!showsPosts);
          }}
        >
          Recent posts
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
        {state === 'disabled' && (
          <button type="button" class="button small" onClick={() => void run(enable)}>
            Enable again
          </button>
        )}
        <button
          type="button"
          class="button small quiet-danger"
          onClick={() => {
            setAsking('delete');
          }}
        >
          Delete
        </button>
      </div>
      <SampleAnswer result={result} />
      {error !== undefined && <Problem error={error} />}
      {showsPosts && <SubscriptionPosts id={id} />}
      {asking === 'rotate' && (
        <Confirm
          title="Make a new signing secret?"
          action="Make a new one"
          onClose={close}
          onConfirm={async () => {
            const { secret } = await api.subscriptions.rotate(id);
            onSecret(secret);
            onChange();
          }}
        >
          <p>For a day, each call carries signatures of both, so that your program can change over.</p>
        </Confirm>
      )}
      {asking === 'delete' && (
        <Confirm
          title="Delete this subscription?"
          action="Delete"
          onClose={close}
          onConfirm={async () => {
            await api.subscriptions.delete(id);
            onChange();
          }}
        >
          <p>
            <code>{url}</code> is told nothing more.
          </p>
        </Confirm>
      )}
    </li>
  );
}

function SampleAnswer({ result }: { readonly result: SampleResult | 'busy' | null }) {
  const failed = result !== null && result !== 'busy' && !result.delivered;
  return (
    <p class={failed ? 'error-text' : 'hint'} role="status">
      {wordsFor(result)}
    </p>
  );
}

function wordsFor(result: SampleResult | 'busy' | null): string {
  if (result === null) return '';
  if (result === 'busy') return 'Sending a sample …';
  const status = result.status === null ? '' : ` (it answered ${String(result.status)})`;
  return result.delivered
    ? `The sample was taken${status}.`
    : `The sample was not taken${status}: ${result.error ?? ''}`;
}

function Health({ subscription }: { readonly subscription: SubscriptionView }) {
  const { lastDeliveredAt, failingSince, lastError, disabledAt, disabledReason } = subscription;
  const sentences = [
    lastDeliveredAt === null ? 'nothing delivered yet' : `last delivered ${ago(lastDeliveredAt)}`,
    failingSince === null ? null : `failing since ${ago(failingSince)}`,
    disabledAt === null
      ? null
      : `disabled ${ago(disabledAt)}${disabledReason === null ? '' : `: ${disabledReason}`}`,
  ].filter((sentence) => sentence !== null);
  return (
    <>
      <p class="hint">{capital(sentences.join(' · '))}</p>
      {failingSince !== null && lastError !== null && <p class="error-text">{lastError}</p>}
    </>
  );
}

interface AddProps {
  readonly onMade: (secret: string) => void;
  readonly onClose: () => void;
}

function AddSubscription({ onMade, onClose }: AddProps) {
  return (
    <FormDialog
      title="Add a subscription"
      action="Add"
      onClose={onClose}
      onSubmit={async (values) => {
        const description = textOf(values, 'description');
        const wanted = textsOf(values, 'type');
        const { secret } = await api.subscriptions.create({
          url: textOf(values, 'url'),
          ...(description !== '' && { description }),
          types: eventTypes.filter((type) => wanted.includes(type)),
          channels: textsOf(values, 'channel'),
        });
        onMade(secret);
      }}
    >
      <label class="field">
        <span>Address</span>
        <input
          class="input"
          name="url"
          type="url"
          required
          placeholder="https://example.com/inlet"
          autofocus
        />
      </label>
      <label class="field">
        <span>Description</span>
        <input class="input" name="description" maxLength={200} />
      </label>
      <fieldset class="field">
        <legend>Only these events (none chosen: all)</legend>
        <div class="checks">
          {eventTypes.map((type) => (
            <label key={type} class="check">
              <input type="checkbox" name="type" value={type} />
              <code>{type}</code>
            </label>
          ))}
        </div>
      </fieldset>
      <ChannelChoice />
    </FormDialog>
  );
}
