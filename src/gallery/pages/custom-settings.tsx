import { ownValue } from '../../domain/own-value.js';
import type { ProviderView } from '../api.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import { withSetting, type DraftProps } from './custom-draft.js';

type Setting = ProviderView['settings'][number];

/** A field for each setting, in the groups of the provider. The group with the expression is open. */
export function CustomSettings({ provider, draft, onChange }: DraftProps) {
  const groups = [...new Set(provider.settings.map(({ group }) => group))];
  return (
    <>
      {groups.map((group) => (
        <details key={group ?? ''} class="card panel" open={group === 'Payload'}>
          <summary>
            <h2>{group === null ? t('custom.settings') : serviceText(group)}</h2>
          </summary>
          {provider.settings
            .filter((setting) => setting.group === group)
            .map((setting) => (
              <SettingField
                key={setting.name}
                setting={setting}
                value={ownValue(draft.settings, setting.name) ?? ''}
                onInput={(value) => {
                  onChange(withSetting(draft, setting.name, value));
                }}
              />
            ))}
        </details>
      ))}
    </>
  );
}

interface SettingFieldProps {
  readonly setting: Setting;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function SettingField({ setting, value, onInput }: SettingFieldProps) {
  const { name, secret, multiline, description } = setting;
  const common = {
    class: 'input mono',
    value,
    spellcheck: false,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) => {
      onInput(event.currentTarget.value);
    },
  };
  return (
    <label class="field">
      <span>{name}</span>
      {multiline && <textarea {...common} rows={Math.min(30, Math.max(6, value.split('\n').length))} />}
      {!multiline && secret && <input {...common} type="password" autocomplete="new-password" />}
      {!multiline && !secret && <input {...common} />}
      <span class="hint">{serviceText(description)}</span>
    </label>
  );
}
