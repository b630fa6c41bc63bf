/**
 * Texts, locations and contact cards: they bring no file, and are kept as the context of files. Each is part
 * of an event that is ignored otherwise.
 */
import type { InboundContext, InboundEvent } from '../../domain/provider.js';
import { fieldsOf, firstPresent, firstText, itemsOf, type JsonRecord, textOrNull } from './lenient.js';

/** What a message without a file says. */
export type ContextContent = Pick<InboundContext, 'kind' | 'text' | 'place'>;

interface ContextFacts extends Omit<InboundContext, keyof ContextContent | 'messageId' | 'from'> {
  readonly messageId: string | null | undefined;
  readonly from: string | undefined;
}

/** The event with its context. Without an id or a sender, the message cannot be kept. */
export function withContext(
  event: InboundEvent,
  content: ContextContent | undefined,
  { messageId, from, ...facts }: ContextFacts,
): InboundEvent {
  if (event.type !== 'ignored' || content === undefined) return event;
  if (messageId === undefined || messageId === null || from === undefined) return event;
  return { ...event, context: { ...facts, ...content, messageId, from } };
}

export function textContent(...candidates: readonly unknown[]): ContextContent | undefined {
  const text = firstText(candidates);
  return text === null ? undefined : { kind: 'text', text };
}

/** A location with the members that nearly all providers use. */
export function locationContent(location: unknown): ContextContent | undefined {
  const { latitude, lat, longitude, long, lng, name, title, address, text, label } = fieldsOf(location);
  const place = {
    latitude: degrees(firstPresent([latitude, lat]), 90),
    longitude: degrees(firstPresent([longitude, long, lng]), 180),
  };
  if (place.latitude === undefined || place.longitude === undefined) return undefined;
  const lines = [firstText([name, title, label]), firstText([address, text])].filter((line) => line !== null);
  return {
    kind: 'location',
    text: lines.length === 0 ? null : [...new Set(lines)].join('\n'),
    place: { latitude: place.latitude, longitude: place.longitude },
  };
}

function degrees(value: unknown, most: number): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Math.abs(number) <= most ? number : undefined;
}

/** The name and the numbers of a person, a line for each. */
export function contactContent(name: unknown, numbers: readonly unknown[]): ContextContent | undefined {
  const lines = [name, ...numbers].map((one) => textOrNull(one)).filter((line) => line !== null);
  return lines.length === 0 ? undefined : { kind: 'contact', text: [...new Set(lines)].join('\n') };
}

/** The numbers in a vCard. */
export function numbersInCard(card: unknown): string[] {
  if (typeof card !== 'string') return [];
  return card
    .split(/\r?\n/, 200)
    .flatMap((line) => /^(?:item\d+\.)?TEL[^:]*:(.+)$/i.exec(line)?.[1]?.trim() ?? []);
}

/** What a message in Meta's format says, by the name of its type. */
export function metaContent(message: JsonRecord, type: string): ContextContent | undefined {
  switch (type) {
    case 'text':
      return textContent(fieldsOf(message['text'])['body']);
    case 'button':
      return textContent(fieldsOf(message['button'])['text']);
    case 'interactive': {
      const { button_reply: button, list_reply: list } = fieldsOf(message['interactive']);
      return textContent(fieldsOf(button)['title'], fieldsOf(list)['title']);
    }
    case 'location':
      return locationContent(message['location']);
    case 'contacts':
      return contactsContent(itemsOf(message['contacts']) ?? []);
    default:
      return undefined;
  }
}

/** Cards in Meta's format: `{name: {formatted_name}, phones: [{phone}]}`. */
function contactsContent(cards: readonly unknown[]): ContextContent | undefined {
  const lines = cards.slice(0, 100).flatMap((card) => {
    const { name, phones } = fieldsOf(card);
    const numbers = (itemsOf(phones) ?? []).slice(0, 20).map((phone) => fieldsOf(phone)['phone']);
    return [fieldsOf(name)['formatted_name'], ...numbers];
  });
  return contactContent(lines[0], lines.slice(1));
}
