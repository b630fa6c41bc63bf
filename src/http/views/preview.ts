/** Converts previews of webhooks to answers of the API. */
import type { InboundEvent, InboundMedia } from '../../domain/provider.js';
import type { Preview } from '../../pipeline/channels/preview.js';
import type { PreviewEventView, PreviewView } from '../shapes/preview.js';

type SizeAt = Exclude<Preview, { readonly problems: unknown }>['sizeAt'];

/** A person reads the answer. */
const maxEvents = 100;

export function previewView(preview: Preview): PreviewView {
  if ('problems' in preview)
    return { problems: [...preview.problems], outcome: null, reason: null, events: [], omitted: 0 };
  const { outcome, reason, events, sizeAt } = preview;
  return {
    problems: [],
    outcome,
    reason,
    events: events.slice(0, maxEvents).map((event) => eventView(event, sizeAt)),
    omitted: Math.max(0, events.length - maxEvents),
  };
}

function eventView(event: InboundEvent, sizeAt: SizeAt): PreviewEventView {
  switch (event.type) {
    case 'message': {
      const { messageId, direction, from, to, chat, senderName, caption, sentAt, media } = event;
      return {
        type: 'message',
        id: messageId,
        direction,
        from,
        to,
        chat,
        name: senderName,
        caption,
        sentAt: iso(sentAt),
        media: media.slice(0, maxEvents).map((item) => mediaView(item, sizeAt)),
      };
    }
    case 'status': {
      const { messageId, status, at, error } = event;
      return { type: 'status', id: messageId, status, at: iso(at), error };
    }
    case 'deletion':
      return { type: 'deletion', id: event.messageId, at: iso(event.at) };
    case 'ignored':
    case 'malformed':
      return { type: event.type, reason: event.reason };
  }
}

type MediaPreview = Extract<PreviewEventView, { type: 'message' }>['media'][number];
type SourcePreview = Pick<MediaPreview, 'url' | 'reference' | 'embedded' | 'problem'>;

function mediaView(
  { kind, source, declaredType, filename, sha256 }: InboundMedia,
  sizeAt: SizeAt,
): MediaPreview {
  return { kind, ...sourceView(source, sizeAt), type: declaredType, filename, sha256 };
}

const nothing: SourcePreview = { url: null, reference: null, embedded: null, problem: null };

function sourceView(source: InboundMedia['source'], sizeAt: SizeAt): SourcePreview {
  switch (source.type) {
    case 'link':
      return { ...nothing, url: source.url, reference: source.reference ?? null };
    case 'reference':
      return { ...nothing, reference: source.reference };
    case 'embedded': {
      const size = sizeAt(source.pointer);
      const bytes = typeof size === 'number' ? size : null;
      return {
        ...nothing,
        embedded: { pointer: source.pointer, bytes },
        problem: typeof size === 'string' ? size : null,
      };
    }
    case 'unavailable':
      return { ...nothing, problem: source.message };
  }
}

const iso = (moment: Date | null): string | null => moment?.toISOString() ?? null;
