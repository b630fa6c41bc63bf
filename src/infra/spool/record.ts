/**
 * How one webhook is written into a segment of the spool: mark, length, SHA-256, payload. The mark is the random half of the
 * segment's name, which no sender can know: whatever a body holds, nothing in it can be taken for a record.
 */
import { hash } from 'node:crypto';

/** A verified webhook, as it came. */
export interface SpooledWebhook {
  /** Of its delivery. */
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  /** The ids that its media were given, in their order: its sender has been told them. */
  readonly media: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly body: Buffer;
}

export const markBytes = 16;
const digestBytes = 32;
/** Mark, length of the payload, SHA-256 of the payload. */
const headBytes = markBytes + 4 + digestBytes;

export function encodeRecord({ body, ...facts }: SpooledWebhook, mark: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(facts));
  const record = Buffer.allocUnsafe(headBytes + 4 + json.length + body.length);
  mark.copy(record);
  record.writeUInt32LE(record.length - headBytes, markBytes);
  record.writeUInt32LE(json.length, headBytes);
  json.copy(record, headBytes + 4);
  body.copy(record, headBytes + 4 + json.length);
  digestOf(record.subarray(headBytes)).copy(record, markBytes + 4);
  return record;
}

export interface Decoded {
  readonly webhooks: readonly SpooledWebhook[];
  /** Bytes that are no record, with records behind them. */
  readonly damagedBytes: number;
  /** Bytes at the end that are no record: one that was not finished, where its writer was killed. */
  readonly tornBytes: number;
}

/** Everything that is whole. What is not is stepped over, to where the next record begins. */
export function decodeRecords(bytes: Buffer, mark: Buffer): Decoded {
  const webhooks: SpooledWebhook[] = [];
  let damagedBytes = 0;
  let wholeUntil = 0;
  for (let at = bytes.indexOf(mark); at >= 0;) {
    const payload = payloadAt(bytes, at);
    if (payload) {
      damagedBytes += at - wholeUntil;
      webhooks.push(readPayload(payload));
      wholeUntil = at + headBytes + payload.length;
    }
    at = bytes.indexOf(mark, payload ? wholeUntil : at + 1);
  }
  return { webhooks, damagedBytes, tornBytes: bytes.length - wholeUntil };
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  const start = at + headBytes;
  if (start > bytes.length) return undefined;
  const end = start + bytes.readUInt32LE(at + markBytes);
  if (end > bytes.length) return undefined;
  const payload = bytes.subarray(start, end);
  return digestOf(payload).equals(bytes.subarray(at + markBytes + 4, start)) ? payload : undefined;
}

/** The digest was right, so these are the bytes that were written. */
function readPayload(payload: Buffer): SpooledWebhook {
  const bodyFrom = 4 + payload.readUInt32LE(0);
  const facts = JSON.parse(payload.toString('utf8', 4, bodyFrom)) as Omit<SpooledWebhook, 'body'>;
  return { ...facts, body: payload.subarray(bodyFrom) };
}

function digestOf(payload: Buffer): Buffer {
  return hash('sha256', payload, 'buffer');
}
