import { useState } from 'preact/hooks';

import { api, type MediaView } from '../api.js';
import { fullTime } from '../format.js';
import { t } from '../languages/text.js';
import { CopyButton } from '../parts/copy-button.js';
import { Dialog } from '../parts/dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

const durations = [
  { seconds: '3600', id: 'link.hours', count: 1 },
  { seconds: '86400', id: 'link.days', count: 1 },
  { seconds: '604800', id: 'link.weeks', count: 1 },
  { seconds: '2592000', id: 'link.days', count: 30 },
] as const;

/** Creates a link that opens one file without a token until it expires. */
export function LinkDialog({ media, onClose }: { readonly media: MediaView; readonly onClose: () => void }) {
  const [seconds, setSeconds] = useState<string>('3600');
  const { value, error, reload } = useLoad(
    () => api.media.link(media.id, { expiresInSeconds: Number(seconds) }),
    `${media.id} ${seconds}`,
  );
  return (
    <Dialog label={t('link.title')} onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('link.title')}</h2>
        <p>{t('link.text')}</p>
        <label class="field">
          <span>{t('link.valid_for')}</span>
          <select
            class="input"
            value={seconds}
            onChange={(event) => {
              setSeconds(event.currentTarget.value);
            }}
          >
            {durations.map(({ seconds: length, id, count }) => (
              <option key={length} value={length}>
                {t(id, { count })}
              </option>
            ))}
          </select>
        </label>
        {error !== undefined && <Problem error={error} retry={reload} />}
        {value && (
          <>
            <div class="copy-field">
              <input class="input mono" readOnly value={value.url} aria-label={t('link.link')} />
              <CopyButton text={value.url} label={t('link.copy')} />
            </div>
            <p class="hint">{t('link.expires', { time: fullTime(value.expiresAt) })}</p>
          </>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('link.done')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
