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
  failed: 'All attempts are used up, or the file is gone at the provider. Another try asks for it again.',
  rejected:
    'Refused by a rule: too large, not what it says, or at a forbidden address. Another try helps only when that has changed.',
  late: 'Waiting for longer than ten minutes. Inlet keeps trying by itself; nothing is to be done.',
  malformed:
    'Webhooks that should carry media, in a shape that is not understood. After an update they can be replayed.',
} as const satisfies Record<Kind, string>;

export function AttentionPage() {
  const asked = query.value.get('show');
  const stats = useLoad(async () => {
    const { needsAttention } = await api.stats({ days: attentionDays });
    attentionCount.value = countAttention(needsAttention);
    return needsAttention;
  });
  const counts = stats.value;
  const kind =
    kinds.find((name) => name === asked) ?? kinds.find((name) => (counts?.[name] ?? 0) > 0) ?? 'failed';
  const isDecided = asked !== null || counts !== undefined || stats.error !== undefined;
  return (
    <>
      <PageHead title="Needs attention" lead={explanations[kind]} />
      <nav class="segments" aria-label="What to look at">
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
        Counted are the last {attentionDays} days; the lists go back to the beginning.
      </p>
      {stats.error !== undefined && <Problem error={stats.error} retry={stats.reload} />}
      {isDecided && kind === 'malformed' && <MalformedDeliveries onDone={stats.reload} />}
      {isDecided && kind !== 'malformed' && <TroubledMedia key={kind} kind={kind} onDone={stats.reload} />}
    </>
  );
}
