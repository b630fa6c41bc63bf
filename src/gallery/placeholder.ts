import { thumbHashToDataURL } from 'thumbhash';

/** A blurred picture of some 30 bytes, painted before the real one is here. */
export function placeholder(thumbhash: string | null): string | undefined {
  if (thumbhash === null) return undefined;
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
