/** Copies pictures to the clipboard. */

/** Browsers offer the clipboard to secure pages only. */
export function canCopyPictures(): boolean {
  return window.isSecureContext && typeof ClipboardItem === 'function';
}

/** Copies the picture at `url` as PNG, the only type of picture that all browsers put on the clipboard. */
export async function copyPicture(url: string): Promise<void> {
  // The promise goes in, not its result: Safari forgets the click while it waits.
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': pngOf(url) })]);
}

async function pngOf(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${String(response.status)}`);
  const picture = await createImageBitmap(await response.blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  picture.close();
  return canvas.convertToBlob({ type: 'image/png' });
}
