import { t } from '../languages/text.js';

interface DetailsProps {
  readonly lines: readonly string[];
  readonly open?: boolean;
}

/** Technical details, which are folded away unless the user needs them. They are in English. */
export function Details({ lines, open = false }: DetailsProps) {
  return (
    <details class="technical" open={open}>
      <summary>{t('problem.details')}</summary>
      {lines.map((line) => (
        <p key={line} lang="en">
          {line}
        </p>
      ))}
    </details>
  );
}
