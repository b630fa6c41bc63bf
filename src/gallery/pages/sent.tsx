import { useEffect, useState } from 'preact/hooks';

import { api, type OutboundView } from '../api.js';
import { at } from '../base.js';
import { withFewRequests } from '../few-requests.js';
import { ago, fullTime } from '../format.js';
import { t } from '../languages/text.js';
import { onEvent, onStreamBegun } from '../live.js';
import { Confirm } from '../parts/confirm.js';
import { Details } from '../parts/details.js';
import { Empty } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { More } from '../parts/more.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { messageOfCode } from '../problem-text.js';
import { mayManage, maySend } from '../session.js';
import { useOpen } from '../use-open.js';
import { usePages, type Pages } from '../use-pages.js';
import { SendMedia } from './send-media.js';
import { SharedForm } from './shared-form.js';

/** Messages that were sent through Inlet, with their delivery status. */
export function SentPage() {
  const pages = usePages<OutboundView>((cursor) => api.messages.list({ limit: 50, cursor }).page());
  const form = useOpen();
  const [retrying, setRetrying] = useState<OutboundView | null>(null);
  useStatuses(pages);
  return (
    <>
      <PageHead title={t('sent.title')} lead={t('sent.lead')}>
        {maySend.value && <PageButton icon="send" label={t('sent.send')} onClick={form.open} />}
      </PageHead>
      {pages.items.length === 0 && pages.status === 'end' && (
        <Empty icon="send" title={t('sent.nothing')}>
          <p>{t('sent.nothing_text')}</p>
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
      <SharedForm onSent={pages.reload} />
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
      title={t('sent.again_title')}
      action={t('sent.again')}
      onClose={onClose}
      onConfirm={async () => {
        onQueued(await api.messages.retry(message.id));
      }}
    >
      <p>{message.state === 'unknown' ? t('sent.again_unknown') : t('sent.again_refused')}</p>
    </Confirm>
  );
}

/**
 * Reloads the newest messages when a status changes or the stream begins. The list keeps its scroll position.
 */
function useStatuses({ refresh }: Pages<OutboundView>): void {
  useEffect(() => {
    const refreshOnce = withFewRequests(refresh);
    const refreshQuietly = (): void => {
      refreshOnce().catch(() => undefined); // The next event triggers another refresh.
    };
    const leave = onEvent(({ type }) => {
      if (type === 'message.status') refreshQuietly();
    });
    const leaveToo = onStreamBegun(refreshQuietly);
    return () => {
      leave();
      leaveToo();
    };
  }, [refresh]);
}

interface SentRowProps {
  readonly message: OutboundView;
  readonly onAgain: () => void;
}

function SentRow({ message, onAgain }: SentRowProps) {
  const { channel, to, caption, error, createdAt } = message;
  const canGoAgain = mayManage.value && (message.state === 'failed' || message.state === 'unknown');
  return (
    <li class="card sent">
      <SentPreview message={message} />
      <div>
        <p>
          <b>{to === '' ? t('sent.erased') : to}</b> · {channel}
        </p>
        {caption !== null && <p>{caption}</p>}
        <p class="hint">
          <time dateTime={createdAt} title={fullTime(createdAt)}>
            {ago(createdAt)}
          </time>
        </p>
        {error !== null && (
          <>
            <p class="error-text">{reasonOf(error)}</p>
            <Details lines={[`${error.code}: ${error.message ?? ''}`]} />
          </>
        )}
      </div>
      <div class="sent-state">
        <SendingBadge message={message} />
        {canGoAgain && (
          <button type="button" class="button small" onClick={onAgain}>
            {t('sent.again')}
          </button>
        )}
      </div>
    </li>
  );
}

/** The message of a code of Inlet, or the provider's own words. */
function reasonOf({ code, message }: NonNullable<OutboundView['error']>): string {
  return messageOfCode(code) ?? message ?? code;
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
    <a
      href={at(`/admin/media/${media.id}`)}
      aria-label={t('kind.to', { kind: t(`kind.${kind}`), person: to })}
    >
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
  if (status === null) return <span class="badge erased">{t('sent.erased')}</span>;
  return (
    <span class={`badge ${looks[status]}`}>
      <Icon name={icons[status]} size={14} />
      {t(`sending.${status}`)}
    </span>
  );
}
