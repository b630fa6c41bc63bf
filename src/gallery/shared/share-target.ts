import { at } from '../base.js';

/**
 * Lets the installed gallery receive files from other apps. Browsers allow it on secure pages only, and some
 * never do; without it, everything else works.
 */
export function registerShareTarget(): void {
  if (!('serviceWorker' in navigator)) return;
  const scope = at('/admin/share-target');
  navigator.serviceWorker.register(at('/admin/share-worker.js'), { scope }).catch(() => undefined);
}
