import { api } from '../api.js';
import { t } from '../languages/text.js';
import { textsOf } from './form-dialog.js';
import { session } from '../session.js';
import { useLoad } from '../use-load.js';

interface ChannelChoiceProps {
  /** The channels that are selected at first; they can be chosen even if they no longer exist. */
  readonly selected?: readonly string[];
}

/** A choice of channels. No selection means all channels that the user sees. */
export function ChannelChoice({ selected = [] }: ChannelChoiceProps) {
  const channels = useLoad(api.channels.list).value ?? [];
  const known = new Map(channels.map(({ id, name }) => [id, name ?? id]));
  const ids = new Set([...selected, ...known.keys()]);
  if (ids.size === 0) return null;
  const isLimited = session.value?.channels != null;
  return (
    <fieldset class="field">
      <legend>{isLimited ? t('channel_choice.yours') : t('channel_choice.legend')}</legend>
      <div class="checks">
        {[...ids].map((id) => (
          <label key={id} class="check">
            <input type="checkbox" name="channel" value={id} defaultChecked={selected.includes(id)} />
            <span>{known.get(id) ?? id}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The chosen channels; null for all. */
export function chosenChannels(values: FormData): readonly string[] | null {
  const chosen = textsOf(values, 'channel');
  return chosen.length > 0 ? chosen : (session.value?.channels ?? null);
}
