import type { Request } from 'express';

import { wantsPage } from './problem.js';

/** Programs that open a link to show a preview of it, or to collect pages, by what they call themselves. */
const programs =
  /bot\b|crawl|spider|preview|facebookexternalhit|facebookcatalog|whatsapp|telegram|slack|discord|skype|viber|curl|wget/i;

/**
 * Whether a person sees the answer: a browser has asked for the page with GET, and not in advance. Nothing
 * about the person is kept, so that the same person counts each time.
 */
export function isView(request: Request): boolean {
  const ahead = `${request.get('sec-purpose') ?? ''} ${request.get('purpose') ?? ''}`;
  return (
    request.method === 'GET' &&
    wantsPage(request) &&
    !/prefetch|preview/i.test(ahead) &&
    !programs.test(request.get('user-agent') ?? '')
  );
}
