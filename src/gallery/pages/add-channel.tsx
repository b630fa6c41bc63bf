import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret, type ProviderView } from '../api.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

interface AddChannelProps {
  readonly onAdded: (channel: ChannelWithSecret) => void;
  readonly onClose: () => void;
}

/** The service describes the settings of each provider, and the form shows a field for each of them. */
export function AddChannel({ onAdded, onClose }: AddChannelProps) {
  const { value, error, reload } = useLoad(api.providers.list);
  const [chosen, setChosen] = useState<string | null>(null);
  const provider = value?.find(({ id }) => id === chosen) ?? value?.[0];
  return (
    <FormDialog
      title={t('add_channel.title')}
      action={t('add_channel.action')}
      onClose={onClose}
      onSubmit={async (values) => {
        if (provider) onAdded(await api.channels.create(channelOf(provider, values)));
      }}
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      <label class="field">
        <span>{t('add_channel.provider')}</span>
        <select
          class="input"
          name="provider"
          value={provider?.id ?? ''}
          autofocus
          onChange={(event) => {
            setChosen(event.currentTarget.value);
          }}
        >
          {value?.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      <div class="pair">
        <label class="field">
          <span>{t('add_channel.name')}</span>
          <input class="input" name="name" maxLength={100} placeholder={t('add_channel.name_example')} />
        </label>
        <label class="field">
          <span>{t('add_channel.id')}</span>
          <input class="input mono" name="id" maxLength={63} placeholder={t('add_channel.id_example')} />
        </label>
      </div>
      {provider?.settings.map((setting) => (
        <Setting key={`${provider.id} ${setting.name}`} setting={setting} />
      ))}
    </FormDialog>
  );
}

function Setting({ setting }: { readonly setting: ProviderView['settings'][number] }) {
  const { name, required, secret, multiline, description } = setting;
  const common = { name: `setting ${name}`, required };
  return (
    <label class="field">
      <span>{required ? name : t('add_channel.optional', { name })}</span>
      {multiline && <textarea class="input mono" {...common} rows={4} spellcheck={false} />}
      {!multiline && secret && (
        <input class="input mono" {...common} type="password" autocomplete="new-password" />
      )}
      {!multiline && !secret && <input class="input mono" {...common} />}
      <span class="hint">{serviceText(description)}</span>
    </label>
  );
}

function channelOf(provider: ProviderView, values: FormData) {
  const id = textOf(values, 'id');
  const name = textOf(values, 'name');
  const settings = provider.settings.flatMap((setting) => {
    const value = textOf(values, `setting ${setting.name}`);
    return value === '' ? [] : [[setting.name, value] as const];
  });
  return {
    provider: provider.id,
    ...(id !== '' && { id }),
    ...(name !== '' && { name }),
    settings: Object.fromEntries(settings),
  };
}
