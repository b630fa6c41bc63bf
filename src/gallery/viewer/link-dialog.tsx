import { useState } from 'preact/hooks';

import { api, type MediaView } from '../api.js';
import { fullTime } from '../format.js';
import { CopyButton } from '../parts/copy-button.js';
import { Dialog } from '../parts/dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

const durations = [
  ['3600', 'One hour'],
  ['86400', 'One day'],
  ['604800', 'One week'],
  ['2592000', '30 days'],
] as const;

/** Creates a link that opens one file without a token until it expires. */
export function LinkDialog({ media, onClose }: { readonly media: MediaView; readonly onClose: () => void }) {
  const [seconds, setSeconds] = useState<string>('3600');
  const { value, error, reload } = useLoad(
    () => api.media.link(media.id, { expiresInSeconds: Number(seconds) }),
    `${media.id} ${seconds}`,
  );
  return (
    <Dialog label="Share a link" onClose={onClose}>
      <div class="dialog-body">
        <h2>Share a link</h2>
        <p>Anyone with this link can see this one file without signing in, until it expires.</p>
        <label class="field">
          <span>Valid for</span>
          <select
            class="input"
            value={seconds}
            onChange={(event) => {
              setSeconds(event.currentTarget.value);
            }}
          >
            {durations.map(([length, name]) => (
              <option key={length} value={length}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {error !== undefined && <Problem error={error} retry={reload} />}
        {value && (
          <>
            <div class="copy-field">
              <input class="input mono" readOnly value={value.url} aria-label="Link" />
              <CopyButton text={value.url} label="Copy the link" />
            </div>
            <p class="hint">Expires {fullTime(value.expiresAt)}</p>
          </>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Done
          </button>
        </div>
      </div>
    </Dialog>
  );
}
