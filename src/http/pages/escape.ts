const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/**
 * Text of others as HTML: it is text, whatever it contains. Letters that turn the direction of writing become
 * a sign that is seen.
 */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities.get(sign) ?? '').replace(/\p{Bidi_Control}/gu, '\ufffd');
}
