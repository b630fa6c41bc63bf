import { useState } from 'preact/hooks';

import { notYetEvaluated } from '../../domain/receipt.js';
import { api, type DeliverySummaryView } from '../api.js';
import { fullTime } from '../format.js';
import { t } from '../languages/text.js';
import { Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { usePages } from '../use-pages.js';
import { RawBody } from '../viewer/timeline.js';
import { BulkBar } from './bulk-bar.js';
import { useBulk, type Bulk } from '../use-bulk.js';

/** Webhooks that Inlet did not understand. They can be inspected and replayed. */
export function MalformedDeliveries({ onDone }: { readonly onDone: () => void }) {
  const pages = usePages<DeliverySummaryView>((cursor) =>
    api.deliveries.list({ outcome: 'malformed', limit: 100, cursor }).page(),
  );
  const [shown, setShown] = useState<string | null>(null);
  const bulk = useBulk(async (id) => {
    const { outcome } = await api.deliveries.replay(id);
    return outcome === 'malformed'
      ? t('attention.still_malformed')
      : t('attention.understood', { outcome: t(`outcome.${outcome}`) });
  });
  if (pages.status === 'end' && pages.items.length === 0) {
    return (
      <Empty icon="check" title={t('attention.nothing')}>
        {t('attention.all_understood')}
      </Empty>
    );
  }
  return (
    <>
      {pages.items.length > 0 && (
        <BulkBar
          bulk={bulk}
          ids={pages.items.map(({ id }) => id)}
          action={t('attention.replay')}
          onDone={onDone}
        />
      )}
      <ul class="card lines">
        {pages.items.map((delivery) => (
          <Line
            key={delivery.id}
            delivery={delivery}
            bulk={bulk}
            onShow={() => {
              setShown(delivery.id);
            }}
          />
        ))}
      </ul>
      <More pages={pages} />
      {shown !== null && (
        <RawDialog
          id={shown}
          onClose={() => {
            setShown(null);
          }}
        />
      )}
    </>
  );
}

interface LineProps {
  readonly delivery: DeliverySummaryView;
  readonly bulk: Bulk;
  readonly onShow: () => void;
}

function Line({ delivery: { id, channel, reason, receivedAt }, bulk, onShow }: LineProps) {
  const result = bulk.results.get(id);
  return (
    <li>
      <input
        type="checkbox"
        aria-label={t('attention.select_webhook', { channel, time: fullTime(receivedAt) })}
        checked={bulk.selected.has(id)}
        onChange={() => {
          bulk.toggle(id);
        }}
      />
      <div class="line-main">
        <p>
          {channel} <span class="soft">· {fullTime(receivedAt)}</span>
        </p>
        <p class="soft small-text">{reason === notYetEvaluated ? t('attention.not_evaluated') : reason}</p>
        {result && <p class={result.ok ? 'small-text good-text' : 'error-text'}>{result.words}</p>}
      </div>
      <button type="button" class="button small" onClick={onShow}>
        {t('raw.title')}
      </button>
    </li>
  );
}

function RawDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  return (
    <Dialog label={t('raw.title')} class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('raw.title')}</h2>
        <RawBody id={id} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
