/** How Blip's media are downloaded, and how links are renewed. */
import { randomUUID } from 'node:crypto';

import { AppError } from '../../domain/errors.js';
import type { Downloads, FreshLink, HeaderRecord } from '../../domain/provider.js';
import { address, fieldsOf, type JsonRecord } from '../kit/lenient.js';
import { signatureEnd } from './parse.js';

/** `api`: undefined where its address is not known. */
export function withKey(headers: HeaderRecord, api: string | undefined): Omit<Downloads, 'trustedHosts'> {
  const authorize = () => headers;
  if (api === undefined) return { authorize };
  const commands = `${api}/commands`;
  return {
    authorize,
    /** takenet/blip-docs extensions/media.md @d81a7c3: links die about 15 minutes after the message. */
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
      // A command that fails is answered with 200 and `status: "failure"`.
      const answer = fieldsOf(body);
      if (status >= 200 && status < 300) return freshLink(answer);
      if (status === 429) throw new AppError('media.rate_limited', 'Blip refuses commands for a while');
      if (status >= 500 || status === 408)
        throw new AppError('media.http_status', `Blip answered ${String(status)}`);
      throw new AppError('media.refused', `Blip answered ${String(status)}`);
    },
  };
}

function freshLink({ status, resource }: JsonRecord): FreshLink {
  const link = status === 'success' ? address(resource) : undefined;
  if (link !== undefined) return { url: link, expiresAt: signatureEnd(link) };
  throw new AppError('media.link_expired', 'Blip has no fresh link for it');
}
