import { useState } from 'preact/hooks';

import type { ProviderView } from '../api.js';
import { Rich } from '../languages/rich.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import type { DraftProps } from './custom-draft.js';

type Example = ProviderView['examples'][number];

/** The example to start from, and the sample. */
export function CustomSample({ provider: { examples }, draft, onChange }: DraftProps) {
  const [example, setExample] = useState<Example>();
  return (
    <section class="card panel">
      <h2>{t('custom.sample')}</h2>
      <label class="field">
        <span>{t('custom.start_from')}</span>
        <select
          class="input"
          value={example?.id ?? ''}
          onChange={(event) => {
            const chosen = examples.find(({ id }) => id === event.currentTarget.value);
            setExample(chosen);
            if (!chosen) return;
            const { settings, sample } = chosen;
            onChange({ settings, payload: sample.body, contentType: sample.contentType });
          }}
        >
          <option value="">{t('custom.choose')}</option>
          {examples.map(({ id, title }) => (
            <option key={id} value={id}>
              {serviceText(title)}
            </option>
          ))}
        </select>
      </label>
      {example && <Notes example={example} />}
      <label class="field">
        <span>{t('custom.body')}</span>
        <textarea
          class="input mono"
          rows={12}
          spellcheck={false}
          value={draft.payload}
          onInput={(event) => {
            onChange({ ...draft, payload: event.currentTarget.value });
          }}
        />
      </label>
    </section>
  );
}

function Notes({ example: { notes, source } }: { readonly example: Example }) {
  return (
    <ul class="steps">
      {notes.map((note) => (
        <li key={note}>{serviceText(note)}</li>
      ))}
      {source !== null && (
        <li>
          <Rich id="custom.source" link={source} />
        </li>
      )}
    </ul>
  );
}
