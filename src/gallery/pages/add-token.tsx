import { scopes } from '../../domain/access.js';
import { api } from '../api.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { ChannelChoice } from './channel-choice.js';

const meanings = {
  'media:read': 'read media and messages, hear events',
  'messages:send': 'store uploads, send messages',
  admin: 'everything, also erasing and these pages',
} as const satisfies Record<(typeof scopes)[number], string>;

const lives = [
  ['', 'No end'],
  ['86400', 'One day'],
  ['2592000', '30 days'],
  ['31536000', 'One year'],
] as const;

interface AddTokenProps {
  readonly onMade: (token: string) => void;
  readonly onClose: () => void;
}

export function AddToken({ onMade, onClose }: AddTokenProps) {
  return (
    <FormDialog
      title="New token"
      action="Make it"
      onClose={onClose}
      onSubmit={async (values) => {
        const expiresIn = textOf(values, 'expiresIn');
        const channels = textsOf(values, 'channel');
        const wanted = textsOf(values, 'scope');
        const { token } = await api.tokens.create({
          name: textOf(values, 'name'),
          scopes: scopes.filter((scope) => wanted.includes(scope)),
          ...(channels.length > 0 && { channels }),
          ...(expiresIn !== '' && { expiresIn: Number(expiresIn) }),
        });
        onMade(token);
      }}
    >
      <label class="field">
        <span>Name: who or what uses it</span>
        <input class="input" name="name" required maxLength={100} autofocus />
      </label>
      <fieldset class="field">
        <legend>It may</legend>
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
        <span>It ends</span>
        <select class="input" name="expiresIn">
          {lives.map(([seconds, name]) => (
            <option key={seconds} value={seconds}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </FormDialog>
  );
}
