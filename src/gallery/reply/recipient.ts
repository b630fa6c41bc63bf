/**
 * The recipient as providers expect it: of a phone number as people write it, such as `+55 (11) 90000-0123`, only
 * the digits. Other ids stay as they are; those of groups on Telegram begin with a minus.
 */
export function recipientOf(text: string): string {
  const isWritten = /^[+(\d][\d\s().-]{7,}$/.test(text) && /\D/.test(text);
  return isWritten ? text.replace(/\D/g, '') : text;
}
