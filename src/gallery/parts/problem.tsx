import { messageOf } from '../session.js';
import { Icon } from './icon.js';

/** What went wrong, in the service's words, and a way to try again. */
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
