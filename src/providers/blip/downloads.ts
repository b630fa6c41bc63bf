/** Downloads of Blip's media, and renewal of their links. */
import { randomUUID } from 'node:crypto';

import { AppError } from '../../domain/errors.js';
import type { Downloads, FreshLink, HeaderRecord } from '../../domain/provider.js';
import { address, fieldsOf, type JsonRecord } from '../kit/lenient.js';
import { signatureEnd } from './parse.js';

/** `api` is undefined if its URL is unknown. */
export function withKey(headers: HeaderRecord, api: string | undefined): Omit<Downloads, 'trustedHosts'> {
  const authorize = () => headers;
  if (api === undefined) return { authorize };
  const commands = `${api}/commands`;
  return {
    authorize,
    /** takenet/blip-docs extensions/media.md @d81a7c3: links expire about 15 minutes after the message. */
    refresh: async (url, http) => {
      const { status, body } = await http({
        method: 'POST',
        url: commands,
        headers,
        json: {
          id: randomUUID(),
          to: 'postmaster@media.msging.net',
          method: 'set',
          uri: '/refresh-media-uri',
          type: 'text/plain',
          resource: url,
        },
      });
      // A failed command is answered with 200 and `status: "failure"`.
      const answer = fieldsOf(body);
      if (status >= 200 && status < 300) return freshLink(answer);
      if (status === 429) throw new AppError('media.rate_limited', 'Blip limits the rate of commands');
      if (status >= 500 || status === 408)
        throw new AppError('media.http_status', `Blip answered ${String(status)}`);
      throw new AppError('media.refused', `Blip answered ${String(status)}`);
    },
  };
}

function freshLink({ status, resource }: JsonRecord): FreshLink {
  const link = status === 'success' ? address(resource) : undefined;
  if (link !== undefined) return { url: link, expiresAt: signatureEnd(link) };
  throw new AppError('media.link_expired', 'Blip has no new link for the file');
}
