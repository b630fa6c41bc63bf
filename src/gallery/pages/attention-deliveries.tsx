import { useState } from 'preact/hooks';

import { api, type DeliverySummaryView } from '../api.js';
import { fullTime } from '../format.js';
import { Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { usePages } from '../use-pages.js';
import { RawBody } from '../viewer/timeline.js';
import { BulkBar } from './bulk-bar.js';
import { useBulk, type Bulk } from './use-bulk.js';

/** Webhooks that Inlet did not understand. They can be inspected and replayed. */
export function MalformedDeliveries({ onDone }: { readonly onDone: () => void }) {
  const pages = usePages<DeliverySummaryView>((cursor) =>
    api.deliveries.list({ outcome: 'malformed', limit: 100, cursor }).page(),
  );
  const [shown, setShown] = useState<string | null>(null);
  const bulk = useBulk(async (id) => {
    const { outcome } = await api.deliveries.replay(id);
    return outcome === 'malformed' ? 'Still not understood' : `Understood now: ${outcome}`;
  });
  if (pages.status === 'end' && pages.items.length === 0) {
    return (
      <Empty icon="check" title="Nothing to do">
        Every webhook was understood.
      </Empty>
    );
  }
  return (
    <>
      {pages.items.length > 0 && (
        <BulkBar bulk={bulk} ids={pages.items.map(({ id }) => id)} action="Replay" onDone={onDone} />
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
        aria-label={`Select the webhook of ${channel}, ${fullTime(receivedAt)}`}
        checked={bulk.selected.has(id)}
        onChange={() => {
          bulk.toggle(id);
        }}
      />
      <div class="line-main">
        <p>
          {channel} <span class="soft">· {fullTime(receivedAt)}</span>
        </p>
        <p class="soft small-text">{reason}</p>
        {result && <p class={result.ok ? 'small-text good-text' : 'error-text'}>{result.words}</p>}
      </div>
      <button type="button" class="button small" onClick={onShow}>
        Raw webhook
      </button>
    </li>
  );
}

function RawDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  return (
    <Dialog label="Raw webhook" class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>Raw webhook</h2>
        <RawBody id={id} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}
