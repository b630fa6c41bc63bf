import { chooseWay } from '../../domain/outbound.js';
import type { OutboundContent, Sending } from '../../domain/sending.js';
import { publicMediaPath, type LinkSigner } from '../../domain/signed-link.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { Waiting } from '../../infra/tables/sending/send-queue.js';

export interface HandOverOptions {
  readonly blobs: BlobStore;
  readonly links: LinkSigner;
  /** Whether a provider can get files from links to this service. */
  readonly linksReach: (sending: Sending) => boolean;
  readonly publicUrl: string;
  readonly now: () => Date;
}

/** Long enough for a provider that downloads media with a delay. */
const linkLifetimeMs = 86_400_000;

/**
 * Chooses how the provider receives the media of a message. Returns undefined if the media is gone or the
 * settings have changed since the message was queued.
 */
export function createContentOf(
  options: HandOverOptions,
): (message: Waiting, sending: Sending) => OutboundContent | undefined {
  const { blobs, links, linksReach, publicUrl, now } = options;
  return ({ id, link, sha256, bytes, options: sendOptions }, sending) => {
    const { ways } = sending.limitsFor(sendOptions);
    if (link !== null) return ways.includes('link') ? { way: 'link', url: link } : undefined;
    const way = chooseWay(ways, linksReach(sending));
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
  if (content.length !== bytes) throw new Error('the stored file has the wrong size');
  return content;
}
