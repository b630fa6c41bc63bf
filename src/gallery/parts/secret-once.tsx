import { t } from '../languages/text.js';
import { CopyButton } from './copy-button.js';
import { Dialog } from './dialog.js';

interface SecretOnceProps {
  readonly title: string;
  readonly explanation: string;
  readonly secrets: readonly (readonly [name: string, value: string])[];
  readonly onClose: () => void;
}

/**
 * Shows secrets that the service reveals only once. A click outside the dialog does not close it, so that
 * none is lost by accident.
 */
export function SecretOnce({ title, explanation, secrets, onClose }: SecretOnceProps) {
  return (
    <Dialog label={title} class="wide" onClose={() => undefined}>
      <div class="dialog-body">
        <h2>{title}</h2>
        <p>{explanation}</p>
        {secrets.map(([name, value]) => (
          <div key={name} class="field">
            <span>{name}</span>
            <div class="copy-field">
              <input
                class="input mono"
                readOnly
                value={value}
                aria-label={name}
                onFocus={(event) => {
                  event.currentTarget.select();
                }}
              />
              <CopyButton text={value} label={t('copy.named', { name })} />
            </div>
          </div>
        ))}
        <div class="dialog-actions">
          <button type="button" class="button primary" onClick={onClose}>
            {t('secret.copied')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
