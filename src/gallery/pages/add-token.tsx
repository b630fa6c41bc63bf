import { scopes } from '../../domain/access.js';
import { api } from '../api.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { ChannelChoice } from './channel-choice.js';

const meanings = {
  'media:read': 'read files and messages, receive events',
  'messages:send': 'upload files, send messages',
  admin: 'everything, including erasing and all pages of the gallery',
} as const satisfies Record<(typeof scopes)[number], string>;

const lifetimes = [
  ['', 'Never'],
  ['86400', 'In one day'],
  ['2592000', 'In 30 days'],
  ['31536000', 'In one year'],
] as const;

interface AddTokenProps {
  /** Receives the token itself, which the service shows only once. */
  readonly onCreated: (token: string) => void;
  readonly onClose: () => void;
}

export function AddToken({ onCreated, onClose }: AddTokenProps) {
  return (
    <FormDialog
      title="New token"
      action="Create token"
      onClose={onClose}
      onSubmit={async (values) => {
        onCreated(await createToken(values));
      }}
    >
      <label class="field">
        <span>Name (the person or program that uses it)</span>
        <input class="input" name="name" required maxLength={100} autofocus />
      </label>
      <fieldset class="field">
        <legend>Permissions</legend>
        {scopes.map((scope) => (
          <label key={scope} class="check">
            <input type="checkbox" name="scope" value={scope} defaultChecked={scope === 'media:read'} />
            <span>
              <code>{scope}</code> {meanings[scope]}
            </span>
          </label>
        ))}
      </fieldset>
      <ChannelChoice />
      <label class="field">
        <span>Expires</span>
        <select class="input" name="expiresIn">
          {lifetimes.map(([seconds, name]) => (
            <option key={seconds} value={seconds}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </FormDialog>
  );
}

async function createToken(values: FormData): Promise<string> {
  const expiresIn = textOf(values, 'expiresIn');
  const channels = textsOf(values, 'channel');
  const selected = textsOf(values, 'scope');
  const { token } = await api.tokens.create({
    name: textOf(values, 'name'),
    scopes: scopes.filter((scope) => selected.includes(scope)),
    ...(channels.length > 0 && { channels }),
    ...(expiresIn !== '' && { expiresIn: Number(expiresIn) }),
  });
  return token;
}
