/**
 * Files that another app of the device has shared with the installed gallery. They stay in this browser until
 * the user sends them or closes the form: a request from the share sheet proves nobody's will, so nothing of
 * it reaches the service.
 */

/** An abandoned file, such as of somebody who did not sign in, is not offered for longer. */
const keptMs = 3_600_000;
/** More files than a person sends at once. */
const mostFiles = 20;
const nameHeader = 'X-File-Name';
const timeHeader = 'X-Shared-At';

export interface SharedFiles {
  /** Replaces what was shared before. */
  readonly keep: (files: readonly File[]) => Promise<void>;
  /** The files that were shared last; none if that was long ago. They stay. */
  readonly find: () => Promise<readonly File[]>;
  readonly forget: () => Promise<void>;
}

/** `base` is the path of `PUBLIC_URL`: other services may be at the same origin. */
export function createSharedFiles(base: string): SharedFiles {
  const name = `inlet-shared ${base}`;
  const forget = async (): Promise<void> => {
    await caches.delete(name);
  };
  return {
    keep: async (files) => {
      await forget();
      const cache = await caches.open(name);
      // One after another: the keys of a cache are in the order in which they were added.
      for (const [place, file] of files.slice(0, mostFiles).entries())
        await cache.put(`${base}/admin/shared/${String(place)}`, new Response(file, headersOf(file)));
    },
    find: async () => {
      // Browsers have caches on secure pages only, where nothing can have been shared otherwise.
      if (!('caches' in globalThis) || !(await caches.has(name))) return [];
      const cache = await caches.open(name);
      const found: File[] = [];
      for (const key of await cache.keys()) {
        const kept = await cache.match(key);
        if (kept && isFresh(kept)) found.push(await fileIn(kept));
      }
      if (found.length === 0) await forget();
      return found;
    },
    forget: async () => {
      if ('caches' in globalThis) await forget();
    },
  };
}

/** A header may hold few characters only, and the name of a file any. */
function headersOf({ name, type }: File): ResponseInit {
  return {
    headers: {
      'Content-Type': type === '' ? 'application/octet-stream' : type,
      [nameHeader]: encodeURIComponent(name.toWellFormed()),
      [timeHeader]: String(Date.now()),
    },
  };
}

function isFresh({ headers }: Response): boolean {
  return Date.now() - Number(headers.get(timeHeader)) < keptMs;
}

async function fileIn(kept: Response): Promise<File> {
  const content = await kept.blob();
  const type = kept.headers.get('Content-Type') ?? '';
  return new File([content], decodeURIComponent(kept.headers.get(nameHeader) ?? ''), { type });
}
