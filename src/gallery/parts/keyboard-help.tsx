import { t, type MessageId } from '../languages/text.js';
import { Dialog } from './dialog.js';

export interface KeyHelp {
  /** As they are written on a keyboard. */
  readonly keys: readonly string[];
  readonly meaning: MessageId;
}

interface KeyboardHelpProps {
  readonly keys: readonly KeyHelp[];
  readonly onClose: () => void;
}

/** A list of the keys of a page. */
export function KeyboardHelp({ keys: rows, onClose }: KeyboardHelpProps) {
  return (
    <Dialog label={t('keys.title')} onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('keys.title')}</h2>
        <dl class="key-list">
          {rows.map(({ keys, meaning }) => (
            <div key={meaning}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{t(meaning)}</dd>
            </div>
          ))}
        </dl>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
