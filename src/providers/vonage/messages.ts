/** The Messages API: APIs-guru/openapi-directory nexmo.com/messages-olympus 1.4.0. */
import type { MediaKind } from '../../domain/provider.js';
import type { OutboundMessage } from '../../domain/sending.js';
import { fieldsOf, firstPresent, identifier, isAbsent } from '../kit/lenient.js';
import { type ResponseReader, compact, linkOf, sender, type SendMessage } from '../kit/sending.js';
import type { Bearer } from './application.js';

interface Account {
  readonly authorize: Bearer;
  readonly apiUrl: string;
}

export function messagesSender(
  { authorize, apiUrl }: Account,
  reader: Omit<ResponseReader, 'idIn'>,
): SendMessage {
  return sender(
    (message) => ({
      method: 'POST',
      url: `${apiUrl}/v1/messages`,
      headers: authorize(),
      json: bodyOf(message),
    }),
    { ...reader, idIn: ({ body }) => identifier(fieldsOf(body)['message_uuid']) },
  );
}

/** RFC 7807: the error type ends in its name or number, and each invalid field has a reason. */
export const errorIn: ResponseReader['errorIn'] = ({ type, title, detail, invalid_parameters: invalid }) => {
  if (isAbsent(type) && isAbsent(title)) return undefined;
  const code = typeof type === 'string' ? /[#/]([\w-]{1,60})$/.exec(type)?.[1] : undefined;
  const fields = (Array.isArray(invalid) ? (invalid as unknown[]) : []).map((one) => {
    const { name, reason } = fieldsOf(one);
    return [name, reason].filter((text) => typeof text === 'string').join(' ');
  });
  const texts = [title, detail, ...fields].filter((text) => typeof text === 'string' && text !== '');
  return { code: firstPresent([code, title]), message: texts.join('; ') };
};

const captioned: readonly MediaKind[] = ['image', 'video', 'document'];

function bodyOf(message: OutboundMessage): object {
  const { kind, to, caption, filename, replyTo, options } = message;
  const type = kind === 'document' ? 'file' : kind;
  return compact({
    message_type: type,
    [type]: compact({
      url: linkOf(message),
      caption: captioned.includes(kind) ? caption : undefined,
      name: type === 'file' ? filename : undefined,
    }),
    to,
    from: options['from'],
    channel: options['channel'],
    client_ref: options['clientRef'],
    ttl: options['ttl'],
    context: replyTo === null ? undefined : { message_uuid: replyTo },
  });
}
