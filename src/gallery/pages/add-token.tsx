import { scopes } from '../../domain/access.js';
import { api } from '../api.js';
import { t } from '../languages/text.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { ChannelChoice, chosenChannels } from '../parts/channel-choice.js';

const lifetimes = [
  ['', 'add_token.never'],
  ['86400', 'add_token.in_day'],
  ['2592000', 'add_token.in_month'],
  ['31536000', 'add_token.in_year'],
] as const;

interface AddTokenProps {
  /** Receives the token itself, which the service shows only once. */
  readonly onCreated: (token: string) => void;
  readonly onClose: () => void;
}

export function AddToken({ onCreated, onClose }: AddTokenProps) {
  return (
    <FormDialog
      title={t('tokens.new')}
      action={t('add_token.action')}
      onClose={onClose}
      onSubmit={async (values) => {
        onCreated(await createToken(values));
      }}
    >
      <label class="field">
        <span>{t('add_token.name')}</span>
        <input class="input" name="name" required maxLength={100} autofocus />
      </label>
      <fieldset class="field">
        <legend>{t('tokens.permissions')}</legend>
        {scopes.map((scope) => (
          <label key={scope} class="check">
            <input type="checkbox" name="scope" value={scope} defaultChecked={scope === 'media:read'} />
            <span>
              <code>{scope}</code> {t(`scope.${scope}`)}
            </span>
          </label>
        ))}
      </fieldset>
      <ChannelChoice />
      <label class="field">
        <span>{t('tokens.expires')}</span>
        <select class="input" name="expiresIn">
          {lifetimes.map(([seconds, name]) => (
            <option key={seconds} value={seconds}>
              {t(name)}
            </option>
          ))}
        </select>
      </label>
    </FormDialog>
  );
}

async function createToken(values: FormData): Promise<string> {
  const expiresIn = textOf(values, 'expiresIn');
  const channels = chosenChannels(values);
  const selected = textsOf(values, 'scope');
  const { token } = await api.tokens.create({
    name: textOf(values, 'name'),
    scopes: scopes.filter((scope) => selected.includes(scope)),
    ...(channels && { channels }),
    ...(expiresIn !== '' && { expiresIn: Number(expiresIn) }),
  });
  return token;
}
