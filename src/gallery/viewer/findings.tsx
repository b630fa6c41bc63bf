import { api, type FactView, type MediaView } from '../api.js';
import { percent, shortTime } from '../format.js';
import { t } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

/** What programs have found out about the file, folded: a transcript may be longer than everything else. */
export function Findings({ media: { id, state } }: { readonly media: MediaView }) {
  const { value, error, reload } = useLoad(
    async () => (state === 'ready' ? await api.media.facts(id) : []),
    `${id} ${state}`,
  );
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  if (!value || value.length === 0) return null;
  return (
    <details class="raw findings">
      <summary>{t('findings.title', { count: value.length })}</summary>
      <ul>
        {value.map((fact) => (
          <Finding key={`${fact.type} ${fact.source}`} fact={fact} />
        ))}
      </ul>
    </details>
  );
}

function Finding({ fact }: { readonly fact: FactView }) {
  const { source, type, recordedAt, confidence } = fact;
  return (
    <li>
      <h3>{t(`finding.${type}`)}</h3>
      <FindingValue fact={fact} />
      <p class="hint">
        {t('findings.from', { source, time: shortTime(recordedAt) })}
        {confidence !== null && ` · ${t('findings.confidence', { share: percent(confidence) })}`}
      </p>
    </li>
  );
}

function FindingValue({ fact }: { readonly fact: FactView }) {
  if (fact.type === 'blur') return <p>{percent(fact.value)}</p>;
  const lang = fact.language ?? undefined;
  if (fact.type !== 'labels') {
    return (
      <pre lang={lang} tabIndex={0} aria-label={t(`finding.${fact.type}`)}>
        {fact.value}
      </pre>
    );
  }
  return (
    <ul class="chips" lang={lang}>
      {fact.value.map(({ name, confidence }, place) => (
        <li key={`${String(place)} ${name}`} class="tag">
          {confidence === undefined ? name : `${name} ${percent(confidence)}`}
        </li>
      ))}
    </ul>
  );
}
