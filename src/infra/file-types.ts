import { fileTypeFromBuffer } from 'file-type';

import { unknownType } from '../domain/media.js';

/** The MIME type that the bytes say, from the first of them. Never trusts a header or a name. */
export async function sniffType(head: Buffer): Promise<string> {
  // Only bytes that we hold are parsed, so a hostile file cannot make the parser read on and on.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  // file-type knows XML by its declaration, which hides what is inside: SVG is told apart below.
  if (found && found.mime !== 'application/xml') return found.mime;
  return sniffText(head) ?? unknownType;
}

/** What file-type does not know: text, and the markup that must never be taken for a picture. */
function sniffText(head: Buffer): string | undefined {
  if (head.length === 0 || head.includes(0)) return undefined;
  const text = head.toString('utf8');
  // A character that the end of the head has cut in two is no sign of binary data.
  if (text.slice(0, -4).includes('\uFFFD')) return undefined;
  const start = text.trimStart().toLowerCase();
  if (/<svg[\s>]/.test(start)) return 'image/svg+xml';
  if (/^<(!doctype html|html|head|body|script)/.test(start)) return 'text/html';
  return start.startsWith('<?xml') ? 'application/xml' : 'text/plain';
}
