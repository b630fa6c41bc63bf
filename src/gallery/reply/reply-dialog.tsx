import { useEffect, useRef, useState } from 'preact/hooks';

import { api, type ChannelLimits } from '../api.js';
import { bytes } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { announcement } from '../live.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';
import { cannotSend } from './cannot-send.js';
import { kindOf } from './file-limits.js';
import { useOutbox, type OutgoingFile } from './use-outbox.js';

export interface ReplyRecipient {
  readonly channel: string;
  /** As the provider expects it. */
  readonly to: string;
  /** For people. */
  readonly name: string;
  /** The number as people write it, or the id. */
  readonly shownTo: string;
}

interface ReplyDialogProps {
  readonly recipient: ReplyRecipient;
  /** The files that were pasted or dropped on the page. */
  readonly first: readonly File[];
  readonly onSent: () => void;
  readonly onClose: () => void;
}

/** Files for a person or a group: what will be sent is shown before, and what became of each of them after. */
export function ReplyDialog(props: ReplyDialogProps) {
  const { recipient, onClose } = props;
  const limits = useLoad(() => api.channels.limits(recipient.channel), recipient.channel);
  return (
    <Dialog label={t('reply.to', { name: recipient.name })} class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('reply.to', { name: recipient.name })}</h2>
        <p class="hint">
          <Rich id="reply.recipient" values={{ to: recipient.shownTo, channel: recipient.channel }} />
        </p>
        {limits.error !== undefined && <Problem error={limits.error} retry={limits.reload} />}
        {limits.loading && <p class="soft">{t('common.loading')}</p>}
        {limits.value?.sends === false && <p class="error-text">{cannotSend(limits.value)}</p>}
        {limits.value?.sends === true && <Composer {...props} limits={limits.value} />}
      </div>
    </Dialog>
  );
}

function Composer(props: ReplyDialogProps & { readonly limits: ChannelLimits }) {
  const { recipient, limits, first, onSent, onClose } = props;
  const outbox = useOutbox(recipient, limits);
  const { files, isBusy, add } = outbox;
  const isDone = files.length > 0 && files.every(({ state }) => state === 'sent');
  const canSend = files.some(({ state, forecast }) => state !== 'sent' && forecast.refusal === undefined);
  useEffect(() => {
    if (first.length > 0) add(first);
  }, [first]);
  const send = async (): Promise<void> => {
    const isAll = await outbox.send();
    announcement.value = isAll ? t('reply.all_sent') : t('reply.not_all');
    onSent();
  };
  return (
    <form
      class="composer"
      onPaste={(event) => {
        const pasted = [...(event.clipboardData?.files ?? [])];
        if (pasted.length === 0) return;
        event.preventDefault();
        add(pasted);
      }}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <DropZone add={add} />
      <ul class="outgoing" aria-label={t('reply.files')}>
        {files.map((one) => (
          <Outgoing key={one.file} one={one} isBusy={isBusy} write={outbox.write} remove={outbox.remove} />
        ))}
      </ul>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {isDone ? t('common.close') : t('common.cancel')}
        </button>
        {!isDone && (
          <button type="submit" class="button primary" disabled={isBusy || !canSend}>
            <Icon name="send" size={18} /> {t('send.action')}
          </button>
        )}
      </div>
    </form>
  );
}

function DropZone({ add }: { readonly add: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <label
      class={`drop ${over ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => {
        setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        add([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <Icon name="up" size={28} />
      <span>{t('reply.drop')}</span>
      <input
        ref={input}
        class="unseen"
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          add([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
    </label>
  );
}

interface OutgoingProps {
  readonly one: OutgoingFile;
  readonly isBusy: boolean;
  readonly write: (key: string, caption: string) => void;
  readonly remove: (key: string) => void;
}

/** One file as it will be sent, and then its progress. */
function Outgoing({ one, isBusy, write, remove }: OutgoingProps) {
  const { key, file, picture, caption, forecast, state } = one;
  const canChange = !isBusy && state !== 'sent';
  return (
    <li class="card">
      {picture === null ? (
        <span class="sent-stand-in">
          <Icon name="document" />
        </span>
      ) : (
        <img src={picture} alt={t('reply.preview', { file: file.name })} width={72} height={72} />
      )}
      <div class="outgoing-facts">
        <p>
          <b>{file.name}</b>{' '}
          <span class="soft">
            {t(`kind.${kindOf(file)}`)} · {bytes(file.size)}
          </span>
        </p>
        {forecast.maxCaption !== 0 && forecast.refusal === undefined && (
          <input
            class="input"
            aria-label={t('reply.caption', { file: file.name })}
            placeholder={t('send.caption')}
            value={caption}
            disabled={!canChange}
            onInput={(event) => {
              write(key, event.currentTarget.value);
            }}
          />
        )}
        <State one={one} />
      </div>
      {canChange && (
        <button
          type="button"
          class="button small"
          aria-label={t('reply.remove', { file: file.name })}
          onClick={() => {
            remove(key);
          }}
        >
          <Icon name="close" size={16} />
        </button>
      )}
    </li>
  );
}

function State({
  one: { file, forecast, caption, state, progress, problem },
}: {
  readonly one: OutgoingFile;
}) {
  const { refusal, note, maxCaption } = forecast;
  if (refusal !== undefined) return <p class="error-text">{refusal}</p>;
  if (state === 'failed') return <p class="error-text">{problem}</p>;
  if (state === 'sent')
    return (
      <p class="good-text">
        <Icon name="check" size={16} /> {t('reply.sent')}
      </p>
    );
  if (state !== 'chosen')
    return (
      <p class="bulk-progress">
        <progress value={progress} max={1} aria-label={t('reply.progress', { file: file.name })} />
        {t(`reply.${state}`)}
      </p>
    );
  if (maxCaption !== null && caption.length > maxCaption)
    return <p class="error-text">{t('reply.caption_long', { count: maxCaption })}</p>;
  return note === undefined ? null : <p class="hint">{note}</p>;
}
