/** The pages of shares: HTML without scripts, with one style, in the language of the browser. */
import { createHash } from 'node:crypto';

import type { Response } from 'express';

import { isInline, type Preview } from '../../domain/media.js';
import { escapeHtml } from '../pages/escape.js';
import { pagePolicyText } from '../middleware/security-headers.js';
import type { Words } from './words.js';

/** A file as the page shows it. */
export interface SharedFile {
  /** The address of the file. */
  readonly address: string;
  /** As the sender has named it, if they did. */
  readonly filename: string | null;
  readonly type: string;
  readonly bytes: number;
  readonly preview: Pick<Preview, 'width' | 'height'> | undefined;
}

const style = `
:root { color-scheme: light dark; --text: #1c2024; --soft: #5b626b; --back: #f6f7f9; --card: #fff; --line: #d5d9df; --link: #0b5cad; --wrong: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --text: #eceef1; --soft: #a9b1bb; --back: #14171a; --card: #1e2327; --line: #3a424a; --link: #7cb8f7; --wrong: #ff9d94; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; }
li { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem; overflow-wrap: anywhere; }
img, video { display: block; max-width: 100%; height: auto; max-height: 80vh; object-fit: contain; margin: 0 auto 0.5rem; }
audio { display: block; width: 100%; margin-bottom: 0.5rem; }
a { color: var(--link); display: inline-block; padding: 0.25rem 0; }
p { margin: 0.25rem 0; }
.soft { color: var(--soft); }
.wrong { color: var(--wrong); }
label { display: block; margin: 1rem 0 0.25rem; }
input, button { font: inherit; padding: 0.6rem 0.8rem; border: 1px solid var(--soft); border-radius: 0.4rem; background: var(--card); color: var(--text); max-width: 100%; }
button { cursor: pointer; }
`;

const policy = pagePolicyText({
  'style-src': [`'sha256-${createHash('sha256').update(style).digest('base64')}'`],
  // The icon is an empty one.
  'img-src': ["'self'", 'data:'],
  'media-src': ["'self'"],
  'form-action': ["'self'"],
});

/** Sends a page of this file. */
export function sendPage(response: Response, html: string): void {
  response
    .set({ 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' })
    .type('text/html')
    .send(html);
}

/** The page with the files; undefined stands for a file that is no longer there. */
export function filesPage(
  words: Words,
  share: { readonly title: string | null; readonly expiresAt: Date },
  files: readonly (SharedFile | undefined)[],
): string {
  const title = share.title ?? words.title;
  const shown = files.map((file, index) => {
    const label = words.file(index + 1, files.length);
    return `<li>${file ? fileHtml(words, label, file) : goneHtml(words, label)}</li>`;
  });
  const until = words.until(timeIn(words, share.expiresAt));
  return page(words, title, `<ol>\n${shown.join('\n')}\n</ol>\n<p class="soft">${escapeHtml(until)}</p>`);
}

/** The form for the password. It posts to its own address. */
export function passwordPage(words: Words, wrong?: string): string {
  const complaint = wrong === undefined ? '' : `<p class="wrong" role="alert">${escapeHtml(wrong)}</p>\n`;
  return page(
    words,
    words.passwordTitle,
    `${complaint}<form method="post">
<label for="password">${escapeHtml(words.passwordLabel)}</label>
<input id="password" name="password" type="password" required autocomplete="off" maxlength="128">
<button type="submit">${escapeHtml(words.open)}</button>
</form>`,
  );
}

/** A page that only says what is wrong. */
export function problemPage(words: Words, message: string): string {
  return page(words, words.title, `<p>${escapeHtml(message)}</p>`);
}

function page({ language }: Words, title: string, content: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<h1 dir="auto">${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

function goneHtml({ gone }: Words, label: string): string {
  return `<p class="soft">${escapeHtml(label)}</p>\n<p>${escapeHtml(gone)}</p>`;
}

function fileHtml(words: Words, label: string, file: SharedFile): string {
  const { address, filename } = file;
  const name = filename ?? label;
  const download = words.download(name);
  return [
    lookHtml(file, name),
    `<p class="soft">${escapeHtml(label)} · ${escapeHtml(sizeIn(words, file.bytes))}</p>`,
    `<a href="${address}" download="${escapeHtml(filename ?? '')}" dir="auto">${escapeHtml(download)}</a>`,
  ].join('\n');
}

/** What shows the content of the file itself. */
function lookHtml({ address, type, preview }: SharedFile, name: string): string {
  if (type.startsWith('video/') && isInline(type))
    return `<video controls preload="metadata" src="${address}" aria-label="${escapeHtml(name)}"></video>`;
  if (type.startsWith('audio/') && isInline(type))
    return `<audio controls preload="metadata" src="${address}" aria-label="${escapeHtml(name)}"></audio>`;
  if (!preview) return '';
  const { width, height } = preview;
  return `<img src="${address}/preview" width="${String(width)}" height="${String(height)}" loading="lazy" alt="${escapeHtml(name)}">`;
}

/** Without a script, the time zone of the reader is not known. */
function timeIn({ language }: Words, time: Date): string {
  const format = new Intl.DateTimeFormat(language, {
    dateStyle: 'long',
    timeStyle: 'long',
    timeZone: 'UTC',
  });
  return format.format(time);
}

function sizeIn({ language }: Words, bytes: number): string {
  const isLarge = bytes >= 1_000_000;
  const unit = isLarge ? 'megabyte' : 'kilobyte';
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 });
  return format.format(bytes / (isLarge ? 1_000_000 : 1_000));
}
