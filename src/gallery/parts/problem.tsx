import { messageOf } from '../session.js';
import { Icon } from './icon.js';

/** The service's error message, with a button that tries again. */
export function Problem({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <Icon name="failed" />
      <p>{messageOf(error)}</p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
