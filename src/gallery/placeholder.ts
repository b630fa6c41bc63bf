import { thumbHashToDataURL } from 'thumbhash';

/**
 * Decodes a thumbhash of about 30 bytes into a blurred picture, which is shown until the real one has loaded.
 */
export function placeholder(thumbhash: string | null): string | undefined {
  if (thumbhash === null) return undefined;
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
