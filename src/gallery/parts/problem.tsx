import { t } from '../languages/text.js';
import { detailsOf, messageOf } from '../problem-text.js';
import { Details } from './details.js';
import { Icon } from './icon.js';

/** What went wrong, for people, with the technical details and a button that tries again. */
export function Problem({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const details = detailsOf(error);
  return (
    <div class="problem" role="alert">
      <Icon name="failed" />
      <div>
        <p>{messageOf(error)}</p>
        {details && <Details lines={details.lines} open={details.isNeeded} />}
      </div>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          {t('common.try_again')}
        </button>
      )}
    </div>
  );
}
