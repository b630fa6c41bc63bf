import { api } from '../api.js';
import { useLoad } from '../use-load.js';

/** A choice of channels. No selection means all channels. */
export function ChannelChoice() {
  const channels = useLoad(api.channels.list).value ?? [];
  if (channels.length === 0) return null;
  return (
    <fieldset class="field">
      <legend>Channels (all, if none is selected)</legend>
      <div class="checks">
        {channels.map(({ id, name }) => (
          <label key={id} class="check">
            <input type="checkbox" name="channel" value={id} />
            <span>{name ?? id}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
