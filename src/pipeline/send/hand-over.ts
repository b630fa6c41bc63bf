import { wayOf } from '../../domain/outbound.js';
import type { OutboundContent, Sending } from '../../domain/sending.js';
import { publicMediaPath, type LinkSigner } from '../../domain/signed-link.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { Waiting } from '../../infra/tables/sending/send-queue.js';

export interface OutboundContentOptions {
  readonly blobs: BlobStore;
  readonly links: LinkSigner;
  readonly linksReachUs: boolean;
  readonly publicUrl: string;
  readonly now: () => Date;
}

/** Long enough for a provider that fetches media when it gets round to it. */
const linkLifetimeMs = 86_400_000;

/** How the provider gets at the media of a message; undefined: it is gone, or settings have changed since it was queued. */
export function createContentOf(
  options: OutboundContentOptions,
): (message: Waiting, sending: Sending) => OutboundContent | undefined {
  const { blobs, links, linksReachUs, publicUrl, now } = options;
  return ({ id, link, sha256, bytes, options: chosen }, sending) => {
    const { ways } = sending.limitsFor(chosen);
    if (link !== null) return ways.includes('link') ? { way: 'link', url: link } : undefined;
    const way = wayOf(ways, linksReachUs);
    if (sha256 === null || bytes === null || way === undefined) return undefined;
    if (way === 'link') {
      const path = publicMediaPath(id);
      const signed = links.sign(path, new Date(now().getTime() + linkLifetimeMs)).toString();
      return { way, url: `${publicUrl}${path}?${signed}` };
    }
    return { way, data: () => readAll(blobs, { sha256, bytes }) };
  };
}

async function readAll(
  blobs: BlobStore,
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 }))
    chunks.push(chunk as Buffer);
  const content = Buffer.concat(chunks);
  if (content.length !== bytes) throw new Error('the stored bytes are not as many as were kept');
  return content;
}
