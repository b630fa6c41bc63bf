/**
 * A user without an entry in the user database, as container platforms choose one, has no home folder. Asking
 * for it then throws, and a part of graphile-worker asks while it is loaded. Import this module before
 * everything else.
 */
import { homedir } from 'node:os';

try {
  homedir();
} catch {
  process.env['HOME'] = '/';
}
