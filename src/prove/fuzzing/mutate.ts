/** Damages payloads: structurally, so that most of them pass the parser, and by bytes. */
import type { Random } from '../../demo/random.js';

const oddities: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  9e99,
  -9e99,
  2 ** 53,
  '',
  ' ',
  '\0',
  '\ud800',
  '\u{202e}x',
  '\u{1f4a9}',
  'constructor',
  '__proto__',
  'x'.repeat(300),
  'x'.repeat(5_000),
  'https://',
  'data:image/png;base64,AA',
  '0001-01-01',
  '99999999999999999999',
  '-0',
  'NaN',
  '%00',
  '\r\nset-cookie: a=b',
  "'; drop table media; --",
  '{{7*7}}',
  '../../etc/passwd',
  [],
  [[]],
  [null],
  {},
  { '': '' },
  { length: -1 },
  { toString: 1, valueOf: 1 },
  JSON.parse('{"__proto__":{"type":"image"},"constructor":{"prototype":{}}}'),
  JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`),
];

/** Returns a different payload each time, JSON or a form; the same for the same numbers. */
export function mutated(payload: string, random: Random): Buffer {
  const below = (count: number): number => Math.floor(random() * count);
  const isForm = !/^\s*[[{]/.test(payload);
  let value: unknown = isForm ? Object.fromEntries(new URLSearchParams(payload)) : JSON.parse(payload);
  for (let times = 1 + below(3); times > 0; times -= 1) value = damaged(value, below);
  const bytes = Buffer.from(isForm ? formOf(value) : JSON.stringify(value) || 'null');
  return random() < 0.15 ? bytewise(bytes, below) : bytes;
}

/**
 * The items of lists are fields of the same name. Other values are written as JSON, as no form contains them.
 */
function formOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return new URLSearchParams(String(value)).toString();
  const fields = new URLSearchParams();
  for (const [name, items] of Object.entries(value) as [string, unknown][])
    for (const item of Array.isArray(items) ? (items as unknown[]) : [items])
      fields.append(name, typeof item === 'string' ? item : JSON.stringify(item));
  return fields.toString();
}

type Below = (count: number) => number;

/** Changes one value at a random depth. */
function damaged(value: unknown, below: Below): unknown {
  if (typeof value !== 'object' || value === null || below(5) === 0) return instead(value, below);
  const entries: [string, unknown][] = Object.entries(value);
  const chosen = entries[below(entries.length)];
  if (!chosen) return instead(value, below);
  const [key, child] = chosen;
  const rest = entries.filter(([name]) => name !== key);
  const fate = below(12);
  const changed =
    fate === 0
      ? rest
      : fate === 1
        ? [...rest, [JSON.stringify(oddities[below(oddities.length)]), child] as const]
        : entries.map(([name, item]) => [name, name === key ? damaged(child, below) : item] as const);
  return Array.isArray(value) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
}

function instead(value: unknown, below: Below): unknown {
  switch (below(5)) {
    case 0:
      return [value];
    case 1:
      return [value, value];
    case 2:
      return { value };
    case 3:
      return typeof value === 'string' ? value.slice(below(value.length + 1)) : JSON.stringify(value);
    default:
      return oddities[below(oddities.length)];
  }
}

/** Flipped, truncated, repeated or inserted bytes: mostly invalid JSON, and often invalid text. */
function bytewise(bytes: Buffer, below: Below): Buffer {
  const at = below(bytes.length);
  const head = bytes.subarray(0, at);
  const tail = bytes.subarray(at);
  switch (below(4)) {
    case 0:
      return Buffer.concat([head, Buffer.from([below(256)]), tail.subarray(1)]);
    case 1:
      return head;
    case 2:
      return Buffer.concat([head, head, tail]);
    default:
      return Buffer.concat([head, Buffer.from(Array.from({ length: 8 }, () => below(256))), tail]);
  }
}
