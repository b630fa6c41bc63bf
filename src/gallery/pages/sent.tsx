import { useEffect, useRef, useState } from 'preact/hooks';

import { api, type OutboundView } from '../api.js';
import { at } from '../base.js';
import { ago, fullTime, kindNames, sendingNames } from '../format.js';
import { onEvent, onReconnected } from '../live.js';
import { Confirm } from '../parts/confirm.js';
import { Empty } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { More } from '../parts/more.js';
import { PageHead } from '../parts/page-head.js';
import { isAdmin, maySend } from '../session.js';
import { usePages, type Pages } from '../use-pages.js';
import { SendMedia } from './send-media.js';

/** Messages that were sent from here, and how far each has got. */
export function SentPage() {
  const pages = usePages<OutboundView>((cursor) => api.messages.list({ limit: 50, cursor }).page());
  const [sending, setSending] = useState(false);
  const [again, setAgain] = useState<OutboundView | null>(null);
  useStatuses(pages);
  return (
    <>
      <PageHead
        title="Sent"
        lead="Pictures and other media that were sent from here, and how far each has got."
      >
        {maySend.value && (
          <button
            type="button"
            class="button primary"
            onClick={() => {
              setSending(true);
            }}
          >
            <Icon name="send" size={18} /> Send a picture
          </button>
        )}
      </PageHead>
      {pages.items.length === 0 && pages.status === 'end' && (
        <Empty icon="send" title="Nothing sent yet">
          <p>What you send through any channel stands here, with its state.</p>
        </Empty>
      )}
      <ul class="sent-list">
        {pages.items.map((message) => (
          <SentRow
            key={message.id}
            message={message}
            onAgain={() => {
              setAgain(message);
            }}
          />
        ))}
      </ul>
      <More pages={pages} />
      {sending && (
        <SendMedia
          onClose={() => {
            setSending(false);
          }}
          onSent={() => {
            setSending(false);
            pages.reload();
          }}
        />
      )}
      {again && (
        <Confirm
          title="Send it again?"
          action="Send again"
          onClose={() => {
            setAgain(null);
          }}
          onConfirm={async () => {
            const queued = await api.messages.retry(again.id);
            pages.replace((items) => items.map((item) => (item.id === queued.id ? queued : item)));
          }}
        >
          <p>
            {again.state === 'unknown'
              ? 'Nobody knows whether the provider has it: the person may get it twice.'
              : 'The provider has refused it before.'}
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Looks at the newest again when a status changes or something may have been missed; the list stays where it is meanwhile. */
function useStatuses({ replace }: Pages<OutboundView>): void {
  const latest = useRef(replace);
  latest.current = replace;
  useEffect(() => {
    const refresh = async (): Promise<void> => {
      const { items: newest } = await api.messages.list({ limit: 50 }).page();
      const known = new Set(newest.map(({ id }) => id));
      latest.current((items) => [...newest, ...items.filter(({ id }) => !known.has(id))]);
    };
    const quietly = (): void => {
      refresh().catch(() => undefined); // The next event is another occasion.
    };
    const leave = onEvent(({ type }) => {
      if (type === 'message.status') quietly();
    });
    const leaveToo = onReconnected(quietly);
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
