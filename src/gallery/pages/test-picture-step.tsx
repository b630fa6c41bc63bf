import { useState } from 'preact/hooks';

import { api, type ChannelLimits, type ChannelView, type OutboundView } from '../api.js';
import { at } from '../base.js';
import { serviceText } from '../languages/service-text.js';
import { t, type MessageId } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import { cannotSend } from '../reply/cannot-send.js';
import { sentence } from '../problem-text.js';
import picture from '../test-picture.png';
import { useLoad } from '../use-load.js';
import { usePolled } from '../use-polled.js';
import type { Light } from './channel-light.js';
import { LightLine } from './light-line.js';

/** Sends a test picture to a person, and says what becomes of it. */
export function TestPictureStep({ channel: { id } }: { readonly channel: ChannelView }) {
  const { value: limits, error } = useLoad(() => api.channels.limits(id), id);
  return (
    <section class="connect-step">
      <h3>{t('test_picture.title')}</h3>
      {error !== undefined && <Problem error={error} />}
      {limits?.sends === false && <p class="hint">{cannotSend(limits)}</p>}
      {limits?.sends && <TestPictureForm channel={id} limits={limits} />}
    </section>
  );
}

interface TestPictureFormProps {
  readonly channel: string;
  readonly limits: ChannelLimits;
}

function TestPictureForm({ channel, limits }: TestPictureFormProps) {
  const { to, setTo, sent, isBusy, error, send } = useSending(channel);
  const [variant] = Object.values(limits.limits);
  return (
    <>
      <form
        class="button-row"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <label class="field grow">
          <span>{t('test_picture.to')}</span>
          <input
            class="input mono"
            required
            maxLength={255}
            value={to}
            aria-describedby="test-recipient"
            onInput={(event) => {
              setTo(event.currentTarget.value);
            }}
          />
        </label>
        <button type="submit" class="button end-of-row" disabled={isBusy}>
          {t('test_picture.send')}
        </button>
      </form>
      <p class="hint" id="test-recipient">
        {sentence(variant ? serviceText(variant.recipient.description) : t('test_picture.person'))}
      </p>
      {error !== undefined && <Problem error={error} />}
      <div role="status">{sent !== undefined && <Outcome key={sent} id={sent} />}</div>
    </>
  );
}

/** The form, and the id of the message that it has sent last. */
function useSending(channel: string) {
  const [to, setTo] = useState('');
  const [sent, setSent] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const send = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    setSent(undefined);
    try {
      const media = await api.media.upload(await readPicture(), { channel, kind: 'image' });
      const message = { channel, to: to.trim(), kind: 'image', media: { id: media.id } } as const;
      setSent((await api.messages.send({ ...message, options: { fit: true } })).id);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { to, setTo, sent, isBusy, error, send: () => void send() };
}

async function readPicture(): Promise<File> {
  const response = await fetch(new URL(picture, new URL(at('/admin/assets/'), window.location.href)));
  if (!response.ok) throw new Error(t('test_picture.not_loaded'));
  return new File([await response.blob()], 'inlet-test.png', { type: 'image/png' });
}

const everyMs = 2_000;
const ends: ReadonlySet<string | null> = new Set(['delivered', 'read', 'failed', 'unknown', null]);

function Outcome({ id }: { readonly id: string }) {
  const isLast = ({ status }: OutboundView): boolean => ends.has(status);
  const message = usePolled(id, () => api.messages.get(id), { everyMs, isLast });
  return <LightLine light={lightOfOutcome(message ?? { status: 'queued', error: null })} />;
}

const outcomes = {
  queued: { colour: 'grey', id: 'test_picture.queued' },
  sent: { colour: 'green', id: 'test_picture.sent' },
  delivered: { colour: 'green', id: 'test_picture.delivered' },
  read: { colour: 'green', id: 'test_picture.read' },
  failed: { colour: 'amber', id: 'test_picture.failed' },
  unknown: { colour: 'amber', id: 'test_picture.unknown' },
} as const satisfies Record<NonNullable<OutboundView['status']>, Pick<Light, 'colour'> & { id: MessageId }>;

/** What has become of the picture, in words, with the provider's own words about a failure. */
function lightOfOutcome({ status, error }: Pick<OutboundView, 'status' | 'error'>): Light {
  if (status === null) return { colour: 'grey', words: t('test_picture.erased') };
  const { colour, id } = outcomes[status];
  const why = error === null ? '' : `: ${error.message ?? error.code}`;
  return { colour, words: `${t(id)}${why}.` };
}
