/** The report as a page for printing: one document without scripts, and without anything from elsewhere. */
import { createHash } from 'node:crypto';

import type { Response } from 'express';

import { escapeHtml } from '../pages/escape.js';
import { pagePolicyText } from '../middleware/security-headers.js';
import type { EvidenceView } from '../shapes/evidence.js';

const style = `
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #111; background: #fff; font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 0.25rem; break-after: avoid; }
p { margin: 0.25rem 0; }
img { display: block; max-width: 16rem; max-height: 16rem; margin: 1rem 0; border: 1px solid #999; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem 0.25rem 0; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
tr { break-inside: avoid; }
dl { display: grid; grid-template-columns: 11rem 1fr; margin: 0; }
dt, dd { margin: 0; padding: 0.25rem 0; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
.soft { color: #555; }
@media print { body { margin: 0; max-width: none; } }
`;

const policy = pagePolicyText({
  'style-src': [`'sha256-${createHash('sha256').update(style).digest('base64')}'`],
  'img-src': ['data:'],
});

/** A small picture to recognise the file by. */
export interface Look {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Sends the report as a page. */
export function sendEvidence(response: Response, report: EvidenceView, look: Look | undefined): void {
  response
    .set({
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
      'Content-Disposition': `inline; filename="evidence-${report.media.id}.html"`,
    })
    .type('text/html')
    .send(pageOf(report, look));
}

function pageOf(report: EvidenceView, look: Look | undefined): string {
  const { media, reportedAt, version, meaning } = report;
  const parts = [
    `<h1>Evidence report</h1>`,
    `<p class="soft">Media item ${escapeHtml(media.id)}. Made by Inlet ${escapeHtml(version)} at ${escapeHtml(reportedAt)}. All times are in UTC.</p>`,
    look ? `<img alt="" src="data:${escapeHtml(look.type)};base64,${look.bytes.toString('base64')}">` : '',
    fileHtml(report),
    messageHtml(report),
    metadataHtml(report),
    arrivalHtml(report),
    notesHtml(report),
    `<h2>What the hashes prove</h2>\n<p>${escapeHtml(meaning)}</p>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>Evidence report ${escapeHtml(media.id)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${parts.filter((part) => part !== '').join('\n')}
</body>
</html>
`;
}

type Value = string | number | null | undefined;

/** Facts without a value are left out, so that nothing looks as if it was known. */
function facts(title: string, values: Readonly<Record<string, Value>>): string {
  const known = Object.entries(values).filter(([, value]) => value != null && value !== '');
  if (known.length === 0) return '';
  const rows = known.map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd dir="auto">${escapeHtml(String(value))}</dd>`,
  );
  return `<h2>${escapeHtml(title)}</h2>\n<dl>\n${rows.join('\n')}\n</dl>`;
}

function table(title: string, names: readonly string[], rows: readonly (readonly Value[])[]): string {
  if (rows.length === 0) return `<h2>${escapeHtml(title)}</h2>\n<p class="soft">None</p>`;
  const head = names.map((name) => `<th>${escapeHtml(name)}</th>`).join('');
  const body = rows.map(
    (cells) =>
      `<tr>${cells.map((cell) => `<td dir="auto">${escapeHtml(String(cell ?? ''))}</td>`).join('')}</tr>`,
  );
  return `<h2>${escapeHtml(title)}</h2>\n<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody>\n</table>`;
}

const checks = {
  same: 'The stored file was read for this report and has this hash.',
  different: 'The stored file was read for this report and has ANOTHER hash: it was changed.',
  missing: 'The stored file is missing, although the service knows of it.',
} as const;

function fileHtml({ media, hash, copies }: EvidenceView): string {
  const { filename, state, kind, type, bytes, width, height } = media;
  const first =
    copies.first && `first as ${copies.first.id} in ${copies.first.channel} at ${copies.first.receivedAt}`;
  return facts('File', {
    'File name': filename,
    State: state,
    Kind: kind,
    'Type by content': type,
    'Size in bytes': bytes,
    'Size in pixels': width === null || height === null ? null : `${String(width)} × ${String(height)}`,
    'SHA-256': hash?.sha256,
    'Hash computed at': hash?.computedAt,
    'Checked now': hash && checks[hash.check],
    'Same bytes elsewhere':
      first === null ? 'No other media item has them' : `${String(copies.count)}, ${first}`,
  });
}

function messageHtml({ media, statuses }: EvidenceView): string {
  const { message, channel, provider, direction, receivedAt, readyAt, deletedBySenderAt } = media;
  const reported = statuses.map(({ status, at, receivedAt: told }) => [status, at, told]);
  return [
    facts('Message', {
      Channel: channel,
      Provider: provider,
      Direction: direction,
      From: message?.from,
      'Name of the sender': message?.senderName,
      To: message?.to,
      Chat: message?.chat,
      "Provider's message id": message?.id,
      Caption: message?.caption,
      'Sent at (by the provider)': message?.sentAt,
      'Webhook received at': receivedAt,
      'File ready at': readyAt,
      'Deleted by the sender at': deletedBySenderAt,
    }),
    statuses.length === 0 ? '' : table('Statuses', ['Status', 'At', 'Reported at'], reported),
  ].join('\n');
}

function metadataHtml({ media: { metadata } }: EvidenceView): string {
  if (!metadata) return '<h2>Metadata in the file</h2>\n<p class="soft">None was found.</p>';
  const { takenAt, camera, software, latitude, longitude } = metadata;
  return facts('Metadata in the file (as the file says, not verified)', {
    'Taken at': takenAt,
    Camera: camera,
    Software: software,
    Position: latitude === null || longitude === null ? null : `${String(latitude)}, ${String(longitude)}`,
  });
}

function arrivalHtml({ deliveries, attempts }: EvidenceView): string {
  return [
    table(
      'Webhooks',
      ['Id', 'SHA-256 of the body', 'Received at', 'Outcome', 'Erased at'],
      deliveries.map(({ id, sha256, receivedAt, outcome, erasedAt }) => [
        id,
        sha256,
        receivedAt,
        outcome,
        erasedAt,
      ]),
    ),
    table(
      'Attempts to download',
      ['At', 'Result'],
      attempts.map(({ at, error }) => [at, error ? `${error.code}: ${error.message ?? ''}` : 'downloaded']),
    ),
  ].join('\n');
}

function notesHtml({ media: { annotations }, holds, audit }: EvidenceView): string {
  return [
    facts('Notes of people', {
      Tags: annotations.tags.join(', '),
      Note: annotations.note,
      'Handled at': annotations.resolvedAt,
    }),
    table(
      'Legal holds',
      ['Id', 'On', 'Since', 'By'],
      holds.map(({ id, type, createdAt, createdByName }) => [id, type, createdAt, createdByName]),
    ),
    table(
      'What was done',
      ['At', 'By', 'Action', 'Details'],
      audit.map(({ at, actor, actorName, action, details }) => [
        at,
        actorName === null ? actor : `${actorName} (${actor})`,
        action,
        Object.keys(details).length === 0 ? '' : JSON.stringify(details),
      ]),
    ),
  ].join('\n');
}
