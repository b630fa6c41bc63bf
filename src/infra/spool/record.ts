/**
 * The format of one webhook in a spool segment: mark, length, SHA-256, payload. The mark is the random part
 * of the segment's name, which senders cannot know, so no content of a body can be mistaken for a record.
 */
import { hash } from 'node:crypto';

/** A verified webhook as it was received. */
export interface SpooledWebhook {
  /** The id of its delivery. */
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  /** The ids of its media in their order, which the sender has received. */
  readonly media: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** The time in ISO 8601. */
  readonly receivedAt: string;
  readonly body: Buffer;
}

export const markBytes = 16;
const digestBytes = 32;
/** Mark, length of the payload, SHA-256 of the payload. */
const headBytes = markBytes + 4 + digestBytes;

export function encodeRecord({ body, ...metadata }: SpooledWebhook, mark: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(metadata));
  const record = Buffer.allocUnsafe(headBytes + 4 + json.length + body.length);
  mark.copy(record);
  record.writeUInt32LE(record.length - headBytes, markBytes);
  record.writeUInt32LE(json.length, headBytes);
  json.copy(record, headBytes + 4);
  body.copy(record, headBytes + 4 + json.length);
  digestOf(record.subarray(headBytes)).copy(record, markBytes + 4);
  return record;
}

export interface DecodedRecords {
  readonly webhooks: readonly SpooledWebhook[];
  /** Bytes that are not a record, followed by records. */
  readonly damagedBytes: number;
  /** Bytes at the end that are not a complete record, because the writer died. */
  readonly tornBytes: number;
}

/** Decodes all complete records. Damaged bytes are skipped up to the next record. */
export function decodeRecords(bytes: Buffer, mark: Buffer): DecodedRecords {
  const webhooks: SpooledWebhook[] = [];
  let damagedBytes = 0;
  let decodedUntil = 0;
  for (let at = bytes.indexOf(mark); at >= 0;) {
    const payload = payloadAt(bytes, at);
    if (payload) {
      damagedBytes += at - decodedUntil;
      webhooks.push(readPayload(payload));
      decodedUntil = at + headBytes + payload.length;
    }
    at = bytes.indexOf(mark, payload ? decodedUntil : at + 1);
  }
  return { webhooks, damagedBytes, tornBytes: bytes.length - decodedUntil };
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  const start = at + headBytes;
  if (start > bytes.length) return undefined;
  const end = start + bytes.readUInt32LE(at + markBytes);
  if (end > bytes.length) return undefined;
  const payload = bytes.subarray(start, end);
  return digestOf(payload).equals(bytes.subarray(at + markBytes + 4, start)) ? payload : undefined;
}

/** The digest matches, so these are the bytes that were written. */
function readPayload(payload: Buffer): SpooledWebhook {
  const bodyFrom = 4 + payload.readUInt32LE(0);
  const metadata = JSON.parse(payload.toString('utf8', 4, bodyFrom)) as Omit<SpooledWebhook, 'body'>;
  return { ...metadata, body: payload.subarray(bodyFrom) };
}

function digestOf(payload: Buffer): Buffer {
  return hash('sha256', payload, 'buffer');
}
