import { api, type StatsView } from '../api.js';
import { attentionDays, loadAlerts, noteTroubles, openAlerts } from '../attention-count.js';
import { at } from '../base.js';
import { number } from '../format.js';
import { t } from '../languages/text.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { query } from '../router.js';
import { useLoad, type Loaded } from '../use-load.js';
import { Alerts } from './attention-alerts.js';
import { MalformedDeliveries } from './attention-deliveries.js';
import { TroubledMedia } from './attention-media.js';

type Kind = keyof StatsView['needsAttention'] | 'alerts';

const kinds = ['alerts', 'failed', 'rejected', 'late', 'malformed'] as const satisfies readonly Kind[];

export function AttentionPage() {
  const requested = query.value.get('show');
  const stats = useLoad(async () => {
    const { needsAttention } = await api.stats({ days: attentionDays });
    noteTroubles(needsAttention);
    return needsAttention;
  });
  const alerts = useLoad(loadAlerts);
  const counts = stats.value && { ...stats.value, alerts: openAlerts.value.length };
  const kind = kindOf(requested, counts);
  const isLoaded = stats.value !== undefined && !alerts.loading;
  const isDecided = requested !== null || isLoaded || stats.error !== undefined;
  return (
    <>
      <PageHead title={t('attention.title')} lead={t(`attention_text.${kind}`)} />
      <nav class="segments" aria-label={t('attention.problems')}>
        {kinds.map((name) => (
          <a
            key={name}
            href={at(`/admin/attention?show=${name}`)}
            aria-current={name === kind ? 'page' : undefined}
          >
            {t(`attention.${name}`)}
            {counts && <span class="segment-count">{number(counts[name])}</span>}
          </a>
        ))}
      </nav>
      <p class="hint attention-span">{t('attention.span', { days: attentionDays })}</p>
      {stats.error !== undefined && <Problem error={stats.error} retry={stats.reload} />}
      {isDecided && <Problems kind={kind} alerts={alerts} onDone={stats.reload} />}
    </>
  );
}

/** What the address names; otherwise the first kind that there is something of. */
function kindOf(requested: string | null, counts: Readonly<Record<Kind, number>> | undefined): Kind {
  const named = kinds.find((name) => name === requested);
  return named ?? kinds.find((name) => (counts?.[name] ?? 0) > 0) ?? 'failed';
}

interface ProblemsProps {
  readonly kind: Kind;
  readonly alerts: Loaded<unknown>;
  readonly onDone: () => void;
}

function Problems({ kind, alerts, onDone }: ProblemsProps) {
  switch (kind) {
    case 'alerts':
      return <Alerts loaded={alerts} />;
    case 'malformed':
      return <MalformedDeliveries onDone={onDone} />;
    case 'failed':
    case 'rejected':
    case 'late':
      return <TroubledMedia key={kind} kind={kind} onDone={onDone} />;
  }
}
