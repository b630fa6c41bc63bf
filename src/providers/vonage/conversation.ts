/**
 * Sends a picture in a conversation, the older way (Nexmo/nexmo-developer
 * client-sdk/in-app-messaging/guides/send-receive-image, Vonage/vonage-node-sdk conversations
 * messageImageBody.ts @babd2d8): uploads its bytes to the image service, then posts its URL in an event.
 */
import { randomUUID } from 'node:crypto';

import type { Http, HttpRequest } from '../../domain/provider.js';
import type { OutboundMessage, SendOutcome } from '../../domain/sending.js';
import { address, fieldsOf } from '../kit/lenient.js';
import { type ResponseReader, callProvider, tryPrepare, sender, type SendMessage } from '../kit/sending.js';
import type { Bearer } from './application.js';
import { conversationId } from './parse.js';

interface Account {
  readonly authorize: Bearer;
  readonly apiUrl: string;
}

/** The sizes of the copies in percent, as in the guide. */
const ratios = { quality_ratio: '100', medium_size_ratio: '50', thumbnail_size_ratio: '30' };

export function conversationSender(account: Account, reader: Omit<ResponseReader, 'idIn'>): SendMessage {
  return async (message, http) => {
    const picture = await upload(message, http, { account, reader });
    if (picture.type !== 'accepted') return picture;
    return post(message, http, { picture: picture.messageId, api: { account, reader } });
  };
}

interface ApiAccess {
  readonly account: Account;
  readonly reader: Omit<ResponseReader, 'idIn'>;
}

/**
 * `accepted` with the URL of the picture as id. The picture is invisible before the event, so an upload with
 * an unknown outcome can be repeated.
 */
async function upload(
  message: OutboundMessage,
  http: Http,
  { account, reader }: ApiAccess,
): Promise<SendOutcome> {
  const request = await tryPrepare(() => formOf(message, account));
  if ('type' in request) return request;
  const idIn: ResponseReader['idIn'] = ({ body }) => address(fieldsOf(fieldsOf(body)['original'])['url']);
  const outcome = await callProvider(request, http, { ...reader, idIn });
  return outcome.type === 'unknown'
    ? { type: 'busy', retryAfterMs: null, code: 'upload_failed', message: outcome.message }
    : outcome;
}

interface PictureEvent {
  readonly picture: string;
  readonly api: ApiAccess;
}

function post(message: OutboundMessage, http: Http, { picture, api }: PictureEvent): Promise<SendOutcome> {
  const { authorize, apiUrl } = api.account;
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
    // The same id as in the webhooks of the conversation.
    { ...api.reader, idIn: ({ body }) => conversationId(to, fieldsOf(body)['id']) },
  );
  return send(message, http);
}

async function formOf(message: OutboundMessage, { authorize, apiUrl }: Account): Promise<HttpRequest> {
  if (message.content.way !== 'upload') throw new Error('the image service accepts bytes only');
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
