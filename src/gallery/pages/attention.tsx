import { api, type StatsView } from '../api.js';
import { attentionCount, attentionDays, countAttention } from '../attention-count.js';
import { at } from '../base.js';
import { number } from '../format.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { query } from '../router.js';
import { useLoad } from '../use-load.js';
import { MalformedDeliveries } from './attention-deliveries.js';
import { TroubledMedia } from './attention-media.js';

type Kind = keyof StatsView['needsAttention'];

const names = {
  failed: 'Failed',
  rejected: 'Rejected',
  late: 'Late',
  malformed: 'Not understood',
} as const satisfies Record<Kind, string>;
const kinds = Object.keys(names) as readonly Kind[];

const explanations = {
  failed: 'All attempts failed, or the provider no longer has the file. Try again to request it once more.',
  rejected:
    'Refused by a rule: too large, not the type it claims to be, or at a forbidden address. Trying again helps only if that has changed.',
  late: 'Waiting for more than ten minutes. Inlet retries automatically; no action needed.',
  malformed:
    'Webhooks that should contain media but have an unknown format. You can replay them after an update.',
} as const satisfies Record<Kind, string>;

export function AttentionPage() {
  const requested = query.value.get('show');
  const stats = useLoad(async () => {
    const { needsAttention } = await api.stats({ days: attentionDays });
    attentionCount.value = countAttention(needsAttention);
    return needsAttention;
  });
  const counts = stats.value;
  const kind =
    kinds.find((name) => name === requested) ?? kinds.find((name) => (counts?.[name] ?? 0) > 0) ?? 'failed';
  const isDecided = requested !== null || counts !== undefined || stats.error !== undefined;
  return (
    <>
      <PageHead title="Needs attention" lead={explanations[kind]} />
      <nav class="segments" aria-label="Problems">
        {kinds.map((name) => (
          <a
            key={name}
            href={at(`/admin/attention?show=${name}`)}
            aria-current={name === kind ? 'page' : undefined}
          >
            {names[name]}
            {counts && <span class="segment-count">{number(counts[name])}</span>}
          </a>
        ))}
      </nav>
      <p class="hint attention-span">
        Counts cover the last {attentionDays} days; the lists show everything.
      </p>
      {stats.error !== undefined && <Problem error={stats.error} retry={stats.reload} />}
      {isDecided && kind === 'malformed' && <MalformedDeliveries onDone={stats.reload} />}
      {isDecided && kind !== 'malformed' && <TroubledMedia key={kind} kind={kind} onDone={stats.reload} />}
    </>
  );
}
