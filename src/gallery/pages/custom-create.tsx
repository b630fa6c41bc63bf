import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret, type ProviderView } from '../api.js';
import { t } from '../languages/text.js';
import { textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { filledIn, type Draft } from './custom-draft.js';

interface CustomCreateProps {
  readonly provider: ProviderView;
  readonly draft: Draft;
  readonly onCreated: (channel: ChannelWithSecret) => void;
}

/** Names the channel and creates it with the settings of the draft. */
export function CustomCreate({ provider, draft, onCreated }: CustomCreateProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const create = async (values: FormData): Promise<void> => {
    const id = textOf(values, 'id');
    const name = textOf(values, 'name');
    setBusy(true);
    setError(undefined);
    try {
      const channel = await api.channels.create({
        provider: provider.id,
        ...(id !== '' && { id }),
        ...(name !== '' && { name }),
        settings: filledIn(draft),
      });
      onCreated(channel);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="card panel"
      onSubmit={(event) => {
        event.preventDefault();
        void create(new FormData(event.currentTarget));
      }}
    >
      <h2>{t('custom.channel')}</h2>
      <div class="pair">
        <label class="field">
          <span>{t('add_channel.name')}</span>
          <input class="input" name="name" maxLength={100} placeholder={t('custom.name_example')} />
        </label>
        <label class="field">
          <span>{t('add_channel.id')}</span>
          <input class="input mono" name="id" maxLength={63} placeholder={t('add_channel.id_example')} />
        </label>
      </div>
      {error !== undefined && <Problem error={error} />}
      <div class="button-row">
        <button type="submit" class="button primary" disabled={busy}>
          {t('custom.create')}
        </button>
      </div>
    </form>
  );
}
