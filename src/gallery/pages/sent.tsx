import { useEffect, useRef, useState } from 'preact/hooks';

import { api, type OutboundView } from '../api.js';
import { at } from '../base.js';
import { ago, fullTime, kindNames, sendingNames } from '../format.js';
import { onEvent, onReconnected } from '../live.js';
import { Confirm } from '../parts/confirm.js';
import { Empty } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { More } from '../parts/more.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { isAdmin, maySend } from '../session.js';
import { useOpen } from '../use-open.js';
import { usePages, type Pages } from '../use-pages.js';
import { SendMedia } from './send-media.js';

/** Messages that were sent through Inlet, with their delivery status. */
export function SentPage() {
  const pages = usePages<OutboundView>((cursor) => api.messages.list({ limit: 50, cursor }).page());
  const form = useOpen();
  const [retrying, setRetrying] = useState<OutboundView | null>(null);
  useStatuses(pages);
  return (
    <>
      <PageHead title="Sent" lead="Pictures and other files sent from here, and their delivery status.">
        {maySend.value && <PageButton icon="send" label="Send a picture" onClick={form.open} />}
      </PageHead>
      {pages.items.length === 0 && pages.status === 'end' && (
        <Empty icon="send" title="Nothing sent yet">
          <p>Everything you send through any channel appears here with its status.</p>
        </Empty>
      )}
      <ul class="sent-list">
        {pages.items.map((message) => (
          <SentRow
            key={message.id}
            message={message}
            onAgain={() => {
              setRetrying(message);
            }}
          />
        ))}
      </ul>
      <More pages={pages} />
      {form.isOpen && (
        <SendMedia
          onClose={form.close}
          onSent={() => {
            form.close();
            pages.reload();
          }}
        />
      )}
      {retrying && (
        <SendAgain
          message={retrying}
          onQueued={(queued) => {
            pages.replace((items) => items.map((item) => (item.id === queued.id ? queued : item)));
          }}
          onClose={() => {
            setRetrying(null);
          }}
        />
      )}
    </>
  );
}

interface SendAgainProps {
  readonly message: OutboundView;
  readonly onQueued: (message: OutboundView) => void;
  readonly onClose: () => void;
}

function SendAgain({ message, onQueued, onClose }: SendAgainProps) {
  return (
    <Confirm
      title="Send it again?"
      action="Send again"
      onClose={onClose}
      onConfirm={async () => {
        onQueued(await api.messages.retry(message.id));
      }}
    >
      <p>
        {message.state === 'unknown'
          ? 'It is unknown whether the provider received this message. The person may receive it twice.'
          : 'The provider refused this message before.'}
      </p>
    </Confirm>
  );
}

/** Reloads the newest messages when a status changes or the stream reconnects. The list keeps its scroll position. */
function useStatuses({ replace }: Pages<OutboundView>): void {
  const latest = useRef(replace);
  latest.current = replace;
  useEffect(() => {
    const refresh = async (): Promise<void> => {
      const { items: newest } = await api.messages.list({ limit: 50 }).page();
      const known = new Set(newest.map(({ id }) => id));
      latest.current((items) => [...newest, ...items.filter(({ id }) => !known.has(id))]);
    };
    const refreshQuietly = (): void => {
      refresh().catch(() => undefined); // The next event triggers another refresh.
    };
    const leave = onEvent(({ type }) => {
      if (type === 'message.status') refreshQuietly();
    });
    const leaveToo = onReconnected(refreshQuietly);
    return () => {
      leave();
      leaveToo();
    };
  }, []);
}

interface SentRowProps {
  readonly message: OutboundView;
  readonly onAgain: () => void;
}

function SentRow({ message, onAgain }: SentRowProps) {
  const { channel, to, caption, error, createdAt } = message;
  const canGoAgain = isAdmin.value && (message.state === 'failed' || message.state === 'unknown');
  return (
    <li class="card sent">
      <SentPreview message={message} />
      <div>
        <p>
          <b>{to === '' ? 'Erased' : to}</b> · {channel}
        </p>
        {caption !== null && <p>{caption}</p>}
        <p class="hint">
          <time dateTime={createdAt} title={fullTime(createdAt)}>
            {ago(createdAt)}
          </time>
        </p>
        {error !== null && (
          <p class="error-text">
            {error.code}: {error.message}
          </p>
        )}
      </div>
      <div class="sent-state">
        <SendingBadge message={message} />
        {canGoAgain && (
          <button type="button" class="button small" onClick={onAgain}>
            Send again
          </button>
        )}
      </div>
    </li>
  );
}

function SentPreview({ message: { media, kind, to } }: { readonly message: OutboundView }) {
  const preview = media?.previews.small;
  if (!media || !preview)
    return (
      <span class="sent-stand-in">
        <Icon name={kind === 'image' ? 'gallery' : 'document'} />
      </span>
    );
  return (
    <a href={at(`/admin/media/${media.id}`)} aria-label={`${kindNames[kind]} to ${to}`}>
      <img src={at(preview.url)} alt="" width={72} height={72} loading="lazy" />
    </a>
  );
}

const icons = {
  queued: 'clock',
  sent: 'check',
  delivered: 'check',
  read: 'check',
  failed: 'failed',
  unknown: 'attention',
} as const;
const looks = {
  queued: 'pending',
  sent: 'ready',
  delivered: 'ready',
  read: 'ready',
  failed: 'failed',
  unknown: 'pending',
} as const;

function SendingBadge({ message: { status } }: { readonly message: OutboundView }) {
  if (status === null) return <span class="badge erased">Erased</span>;
  return (
    <span class={`badge ${looks[status]}`}>
      <Icon name={icons[status]} size={14} />
      {sendingNames[status]}
    </span>
  );
}
