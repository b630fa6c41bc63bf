/** Pictures of earlier days, as if they had been received then. */
import { photo } from '../../src/demo/photos.js';
import type { TestService } from './test-service.js';

export interface EarlierPicture {
  readonly person: string;
  readonly name: string;
  readonly caption?: string;
  readonly at: Date;
  readonly direction?: 'inbound' | 'outbound';
  readonly chat?: string;
  /** `z-api` by default. */
  readonly channel?: string;
}

/** Around noon, so that a change of the clock does not move it to another day. */
export function daysAgo(days: number): Date {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - Math.floor(days), 12, (days % 1) * 50);
}

/** Adds the pictures, which share the bytes and previews of one that is uploaded. */
export async function fillGallery(service: TestService, pictures: readonly EarlierPicture[]): Promise<void> {
  const sha256 = await storedPicture(service);
  const rows = pictures.map((picture, index) => ({
    channel: 'z-api',
    direction: 'inbound',
    chat: null,
    caption: null,
    ...picture,
    message: idAt(picture.at, `1${String(index)}`),
    media: idAt(picture.at, `2${String(index)}`),
  }));
  await service.database.query(
    `with picture as (
       select * from jsonb_to_recordset($1::jsonb) as one (
         message uuid, media uuid, channel text, direction text, person text, name text, caption text, chat text, at timestamptz)
     ), new_message as (
       insert into message (id, channel, provider, message_id, direction, sender, recipient, sender_name, chat, caption, received_at)
       select message, channel, channel, 'M' || message, direction,
              case direction when 'inbound' then person else '5511888880000' end,
              case direction when 'outbound' then person end, name, chat, caption, at from picture
     )
     insert into media (id, channel, provider, message_row_id, position, direction, kind, state, attempts, received_at, ready_at,
                        sha256, person, conversation)
     select media, channel, channel, message, 0, direction, 'image', 'ready', 1, at, at, $2, person, chat from picture`,
    [JSON.stringify(rows), sha256],
  );
  // The sums of people are brought up to date by whoever asks for them first.
  await fetch(`${service.url}/v1/people`, { headers: authorization(service) });
}

function authorization(service: TestService): Record<string, string> {
  return { Authorization: `Bearer ${service.token('admin')}` };
}

async function storedPicture(service: TestService): Promise<string> {
  const form = new FormData();
  const file = await photo({ seed: 7, width: 800, height: 600 });
  form.append('channel', 'z-api');
  form.append('file', new Blob([new Uint8Array(file)], { type: 'image/jpeg' }), 'photo.jpg');
  const headers = authorization(service);
  const response = await fetch(`${service.url}/v1/media`, { method: 'POST', headers, body: form });
  const { id, sha256 } = (await response.json()) as { id: string; sha256: string };
  await service.database.query('delete from media where id = $1', [id]);
  return sha256;
}

/** A UUIDv7 of this moment. */
function idAt(moment: Date, end: string): string {
  const time = moment.getTime().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${end.padStart(12, '0')}`;
}
