import type { InletEvent } from '../client/index.js';

const maxTextLength = 60;
const typeWidth = 24;
const channelWidth = 10;

/** An event as one line for a person. */
export function eventLine(event: InletEvent): string {
  const { id, timestamp, type, channel } = event;
  const moment = timestamp.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
  return [
    moment,
    type.padEnd(typeWidth),
    plain(channel ?? '').padEnd(channelWidth),
    `${wordsOf(event.data)}  (event ${id})`,
  ].join('  ');
}

type EventData = InletEvent['data'];
type MediaData = Extract<EventData, { readonly kind: unknown }>;
type StatusData = Extract<EventData, { readonly messageId: unknown }>;

function wordsOf(data: EventData): string {
  if ('kind' in data) return mediaWords(data);
  if ('messageId' in data) return statusWords(data);
  return `${data.state}: ${plain(data.message)}`;
}

function mediaWords({ id, kind, direction, message, error }: MediaData): string {
  const person =
    message === null
      ? 'uploaded'
      : direction === 'inbound'
        ? `from ${nameOf(message.from, message.senderName)}`
        : `to ${nameOf(message.to ?? '', null)}`;
  const caption = message?.caption ?? '';
  return [
    `${kind} ${id} ${person}`,
    ...(caption === '' ? [] : [`"${plain(caption)}"`]),
    ...(error === null ? [] : [error.code]),
  ].join(', ');
}

function nameOf(number: string, name: string | null): string {
  const person = plain(number) || 'somebody';
  return name === null || name === '' ? person : `${person} (${plain(name)})`;
}

function statusWords({ messageId, status, error }: StatusData): string {
  return `message ${plain(messageId)} is ${status}${error === null ? '' : `, ${plain(error.code)}`}`;
}

/** Foreign text on one line, without characters that move the cursor or change the direction of writing. */
function plain(text: string): string {
  const line = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength - 1)}…` : line;
}
