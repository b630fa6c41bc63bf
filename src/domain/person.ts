/** How people are named: the spellings of one number, and numbers as people write them. */

/**
 * A mobile number of Brazil with or without its ninth digit: country, area, and eight digits. With 2 to 5 in
 * front, eight digits are a landline, which is somebody else.
 */
const brazilianMobile = /^(55[1-9]\d)(9?)([016-9]\d{7})$/;

/**
 * What the spellings of one id have in common. WhatsApp names Brazilian mobile numbers with their ninth digit
 * or without it, depending on when they were registered; both are the same person.
 */
export function personKey(id: string): string {
  return id.replace(brazilianMobile, '$1$3');
}

/** The id in all spellings, itself first. */
export function spellingsOf(id: string): readonly string[] {
  const parts = brazilianMobile.exec(id);
  if (!parts) return [id];
  const [, area = '', ninth = '', rest = ''] = parts;
  return [id, ninth === '' ? `${area}9${rest}` : `${area}${rest}`];
}

/** Whether an id is a phone number. */
export function isNumber(id: string): boolean {
  return /^\d{7,15}$/.test(id);
}

/**
 * The digits of a text that may be a phone number as people write it, such as `+55 (11) 90000-0123`;
 * undefined for other texts.
 */
export function digitsOf(text: string): string | undefined {
  if (!/^[+()\d\s./-]+$/.test(text)) return undefined;
  const digits = text.replace(/\D/g, '');
  return digits === '' ? undefined : digits;
}
