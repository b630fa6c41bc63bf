import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret, type ProviderView } from '../api.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

interface AddChannelProps {
  readonly onMade: (channel: ChannelWithSecret) => void;
  readonly onClose: () => void;
}

/** The form is made of what the service says that each provider needs. */
export function AddChannel({ onMade, onClose }: AddChannelProps) {
  const { value, error, reload } = useLoad(api.providers.list);
  const [chosen, setChosen] = useState<string | null>(null);
  const provider = value?.find(({ id }) => id === chosen) ?? value?.[0];
  return (
    <FormDialog
      title="Add a channel"
      action="Add"
      onClose={onClose}
      onSubmit={async (values) => {
        if (provider) onMade(await api.channels.create(channelOf(provider, values)));
      }}
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      <label class="field">
        <span>Provider</span>
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
          <span>Name</span>
          <input class="input" name="name" maxLength={100} placeholder="Shop in Recife" />
        </label>
        <label class="field">
          <span>Id, part of its webhook address</span>
          <input class="input mono" name="id" maxLength={63} placeholder="made for you" />
        </label>
      </div>
      {provider?.settings.map((setting) => (
        <Setting key={`${provider.id} ${setting.name}`} setting={setting} />
      ))}
    </FormDialog>
  );
}

function Setting({ setting }: { readonly setting: ProviderView['settings'][number] }) {
  const { name, required, secret, description } = setting;
  const common = { name: `setting ${name}`, required };
  return (
    <label class="field">
      <span>
        {name}
        {required ? '' : ' (optional)'}
      </span>
      {secret ? (
        <input class="input mono" {...common} type="password" autocomplete="new-password" />
      ) : (
        <input class="input mono" {...common} />
      )}
      <span class="hint">{description}</span>
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
