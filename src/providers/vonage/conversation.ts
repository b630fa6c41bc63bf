/**
 * A picture in a conversation, the older way (Nexmo/nexmo-developer client-sdk/in-app-messaging/guides/send-receive-image,
 * Vonage/vonage-node-sdk conversations messageImageBody.ts @babd2d8): first its bytes go to the image service, then its
 * address into an event.
 */
import { randomUUID } from 'node:crypto';

import type { Http, HttpRequest } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendOutcome } from '../../domain/sending.js';
import { address, fieldsOf } from '../kit/lenient.js';
import { type Answering, ask, prepared, sender } from '../kit/sending.js';
import type { Bearer } from './application.js';
import { conversationId } from './parse.js';

interface Account {
  readonly authorize: Bearer;
  readonly apiUrl: string;
}

/** Sizes of the copies, in percent, as the guide has them. */
const ratios = { quality_ratio: '100', medium_size_ratio: '50', thumbnail_size_ratio: '30' };

export function conversationSender(account: Account, answering: Omit<Answering, 'idIn'>): Sending['send'] {
  return async (message, http) => {
    const picture = await upload(message, http, { account, answering });
    if (picture.type !== 'accepted') return picture;
    return post(message, http, { picture: picture.messageId, side: { account, answering } });
  };
}

interface Side {
  readonly account: Account;
  readonly answering: Omit<Answering, 'idIn'>;
}

/** "Accepted" under the address of the picture. Nobody sees it before the event: what is not known of it can be done again. */
async function upload(
  message: OutboundMessage,
  http: Http,
  { account, answering }: Side,
): Promise<SendOutcome> {
  const request = await prepared(() => formOf(message, account));
  if ('type' in request) return request;
  const idIn: Answering['idIn'] = ({ body }) => address(fieldsOf(fieldsOf(body)['original'])['url']);
  const outcome = await ask(request, http, { ...answering, idIn });
  return outcome.type === 'unknown'
    ? { type: 'busy', retryAfterMs: null, code: 'upload_failed', message: outcome.message }
    : outcome;
}

interface Event {
  readonly picture: string;
  readonly side: Side;
}

function post(message: OutboundMessage, http: Http, { picture, side }: Event): Promise<SendOutcome> {
  const { authorize, apiUrl } = side.account;
  const { to, options } = message;
  const send = sender(
    () => ({
      method: 'POST',
      url: `${apiUrl}/v1/conversations/${encodeURIComponent(to)}/events`,
      headers: authorize(),
      json: {
        type: 'message',
        from: options['from'],
        body: { message_type: 'image', image: { url: picture } },
      },
    }),
    // As the events of the conversation are named in its webhooks.
    { ...side.answering, idIn: ({ body }) => conversationId(to, fieldsOf(body)['id']) },
  );
  return send(message, http);
}

async function formOf(message: OutboundMessage, { authorize, apiUrl }: Account): Promise<HttpRequest> {
  if (message.content.way !== 'upload') throw new Error('the image service takes bytes');
  const value = await message.content.data();
  return {
    method: 'POST',
    url: `${apiUrl}/v1/image`,
    headers: authorize(),
    form: [
      { name: 'file', value, filename: message.filename ?? `${randomUUID()}.jpg`, type: 'image/jpeg' },
      ...Object.entries(ratios).map(([name, ratio]) => ({ name, value: ratio })),
    ],
  };
}
