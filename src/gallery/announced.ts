/**
 * What events say of media while a page of a list is on its way. The service may have read the page before them, and
 * events arrive in order, so that the newest event about a media item replaces the copy in the page.
 */
import type { MediaView } from './api.js';

/** The newest copy of a media item. */
export type Latest = (media: MediaView) => MediaView;

export interface Announced {
  /** Remembers what an event says, for the requests that are under way. */
  readonly take: (media: MediaView) => void;
  /** Loads a page, and returns it with what events have said since the request began. */
  readonly during: <Page>(request: Promise<Page>) => Promise<{ page: Page; latest: Latest }>;
}

export function createAnnounced(): Announced {
  const underWay = new Set<Map<string, MediaView>>();
  return {
    take: (media) => {
      for (const announced of underWay) announced.set(media.id, media);
    },
    during: async (request) => {
      const announced = new Map<string, MediaView>();
      underWay.add(announced);
      try {
        const page = await request;
        return { page, latest: (media) => announced.get(media.id) ?? media };
      } finally {
        underWay.delete(announced);
      }
    },
  };
}
