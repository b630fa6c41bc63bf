/** What the documents say is compared with the code, so that neither can change alone. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { coreSettings, loadConfig } from '../../src/config.js';
import {
  errorCodes,
  isMediaError,
  mediaErrorVerdict,
  statusOf,
  type RequestErrorCode,
} from '../../src/domain/errors.js';
import { mediaStates, warningCodes } from '../../src/domain/media.js';
import { outboundStates } from '../../src/domain/outbound.js';
import { routes } from '../../src/http/routes.js';
import { checks } from '../../src/prove/checks.js';
import { providers } from '../../src/providers/index.js';
import { expectedFiles } from '../support/files.js';
import { nameOfProvider } from './generate.js';
import { anchorOf, documents, plain, readDocument, root, sectionOf, tableRows } from './markdown.js';

const readme = readDocument('README.md');
const settings = [...coreSettings, ...providers.flatMap(({ envKeys }) => Object.values(envKeys))].sort();

/** The plain cells of the tables below a heading of a document; without a heading, of all its tables. */
function rowsOf(name: string, heading?: string): string[][] {
  const text = readDocument(name);
  return tableRows(heading === undefined ? text : sectionOf(text, heading)).map((row) => row.map(plain));
}

const firstCells = (rows: readonly string[][]): string[] => rows.map(([first = '']) => first);

describe('README.md', () => {
  test('is short enough to read', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(180);
  });

  test('names every provider, with a link to its page', () => {
    const missing = providers.filter(({ id }) => !readme.includes(`](docs/providers/${id}.md)`));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  test('shows no picture larger than 200 KB', () => {
    const pictures = [...readme.matchAll(/(?:src|srcset)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((path) => readFileSync(join(root, path)).length > 200_000)).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const request = errorCodes.filter((code): code is RequestErrorCode => !isMediaError(code));
  const media = errorCodes.filter(isMediaError);

  test('lists every error code once, and no other', () => {
    const listed = [
      ...firstCells(rowsOf('docs/errors.md', 'Errors of the API')),
      ...firstCells(rowsOf('docs/errors.md', 'Errors of media')),
    ];
    expect(listed.sort()).toEqual([...errorCodes].sort());
  });

  test('names the status of every error of the API', () => {
    const listed = rowsOf('docs/errors.md', 'Errors of the API').map(([code, status]) => [
      code,
      Number(status),
    ]);
    expect(listed.sort()).toEqual(request.map((code) => [code, statusOf(code)]).sort());
  });

  test('names the verdict of every error of media', () => {
    const listed = rowsOf('docs/errors.md', 'Errors of media').map(([code, verdict]) => [code, verdict]);
    expect(listed.sort()).toEqual(media.map((code) => [code, mediaErrorVerdict(code)]).sort());
  });

  test('lists every state of a media item once, and no other', () => {
    expect(firstCells(rowsOf('docs/errors.md', 'States of a media item'))).toEqual([...mediaStates]);
  });

  test('lists every state of a sent message once, and no other', () => {
    expect(firstCells(rowsOf('docs/errors.md', 'States of a sent message'))).toEqual([...outboundStates]);
  });
});

test('docs/routes.md lists every route of the API once, with its scope, and no other', () => {
  const listed = tableRows(readDocument('docs/routes.md')).map(([route = '', access = '']) => [
    plain(route),
    /^`([^`]+)`/.exec(access)?.[1] ?? null,
  ]);
  const scopes = routes.map(({ method, path, scope }) => [
    `${method.toUpperCase()} ${path}`,
    scope === 'public' || scope === 'token' ? null : scope,
  ]);
  expect(listed.sort()).toEqual(scopes.sort());
});

test('docs/settings.md lists every setting once, and no other', () => {
  expect(firstCells(rowsOf('docs/settings.md')).sort()).toEqual(settings);
});

describe.each(providers)('docs/providers/$id.md', ({ id, enabledBy, envKeys }) => {
  const page = readDocument(`docs/providers/${id}.md`);

  test('explains how to connect it', () => {
    const needed = [`/webhooks/${id}`, ...enabledBy.map((name) => envKeys[name] ?? name)];
    expect(needed.filter((text) => !page.includes(text))).toEqual([]);
  });

  test('names only settings that exist', () => {
    const named = [...page.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !settings.includes(name))).toEqual([]);
  });

  test('has its unverified facts in the table of all providers', () => {
    const rows = rowsOf('docs/providers/README.md', 'What could not be verified');
    const isListed = rows.some(([names = '']) => names.split(', ').includes(nameOfProvider(id)));
    expect(isListed).toBe(page.includes('UNVERIFIED'));
  });
});

describe('.env.example', () => {
  const lines = readDocument('.env.example').split('\n');
  const assigned = lines.flatMap((line): [string, string][] => {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  });

  test('has every setting once, and no other', () => {
    expect(assigned.map(([name]) => name).sort()).toEqual(settings);
  });

  test('explains every setting in the line before it, with its default', () => {
    const unexplained = lines.filter(
      (line, at) => /^[A-Z]/.test(line) && !/^# .+ Default: \S/.test(lines[at - 1] ?? ''),
    );
    expect(unexplained).toEqual([]);
  });

  test('contains only the defaults of docs/settings.md', () => {
    const defaults = new Map(rowsOf('docs/settings.md').map(([name = '', standard]) => [name, standard]));
    const given = assigned.filter(([, value]) => value !== '');
    expect(given).toEqual(given.map(([name]) => [name, defaults.get(name)]));
  });

  test('has the defaults of the code', () => {
    const load = (env: Record<string, string>) =>
      loadConfig({ ...env, AUTH_SECRET: 'a-secret-for-tests-0123456789abcdef' }, () => new Date());
    expect(load(Object.fromEntries(assigned))).toEqual(load({}));
  });
});

describe('docs/files.md', () => {
  const text = readDocument('docs/files.md');
  const cellsOf = (row: string): string[] =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());

  test('lists every warning once, and no other', () => {
    const section = text.split('\n## Warnings\n')[1]?.split('\n## ')[0] ?? '';
    const listed = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, code]) => code);
    expect(listed).toEqual([...warningCodes]);
  });

  test('shows the whole collection of files with the result for each', () => {
    const rows = text.split('\n## The collection\n')[1]?.match(/^\| `.*$/gm) ?? [];
    expect(rows.map(cellsOf)).toEqual(
      expectedFiles.map(({ file, what, kind, state, type, previews, warnings, error }) => [
        `\`${file}\``,
        what,
        kind,
        state,
        type === undefined ? '' : `\`${type}\``,
        previews === undefined ? '' : previews ? 'yes' : 'no',
        (error === undefined ? (warnings ?? []) : [error]).map((code) => `\`${code}\``).join(', '),
      ]),
    );
  });
});

describe('docs/threat-model.md', () => {
  /** Behind each door: the names in the last cell of its row. */
  const doors = tableRows(sectionOf(readDocument('docs/threat-model.md'), 'Doors')).map((row) => ({
    door: row[0],
    proofs: [...(row.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, proof = '']) => proof),
  }));
  const ids = checks.map(({ id }) => id);

  test('names the existing tests of each entry point', () => {
    expect(doors.length).toBeGreaterThan(20);
    expect(doors.filter(({ proofs }) => proofs.length === 0)).toEqual([]);
    const isThere = (proof: string): boolean => ids.includes(proof) || existsSync(join(root, proof));
    expect(doors.flatMap(({ proofs }) => proofs).filter((proof) => !isThere(proof))).toEqual([]);
  });

  test('has an entry for every check', () => {
    const named = new Set(doors.flatMap(({ proofs }) => proofs));
    expect(ids.filter((id) => !named.has(id))).toEqual([]);
  });

  test('is complete in docs/proofs.md, too', () => {
    expect(firstCells(rowsOf('docs/proofs.md', 'Checks')).sort()).toEqual([...ids].sort());
  });
});

describe.each(documents)('%s', (name) => {
  const text = readDocument(name);
  const prose = text.replaceAll(/^```.*?^```/gms, '');

  test('names only commands that exist', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, script]) => script);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  test('links only to files and headings that exist', () => {
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
      ([, link, attribute]) => link ?? attribute ?? '',
    );
    expect(links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(name, link))).toEqual([]);
  });

  test('names only files of the project that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|prisma|docs|lint|deploy)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('refers to nothing outside the project', () => {
    expect(text).not.toMatch(/\.\.\/shared|\/work\/|issue #/i);
  });
});

test('every decision has its own number', () => {
  const numbers = rowsOf('docs/decisions/README.md').map(([number]) => number);
  expect(numbers.length).toBeGreaterThan(100);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('every document can be reached from the README', () => {
  const reached = new Set<string>();
  const waiting = ['README.md'];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name) || !documents.includes(name)) continue;
    reached.add(name);
    for (const [, link = ''] of readDocument(name).matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g))
      waiting.push(join(dirname(name), link));
  }
  expect(documents.filter((name) => !reached.has(name))).toEqual([]);
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? join(root, from) : join(root, dirname(from), path);
  if (!existsSync(file)) return false;
  return heading === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(heading);
}

function anchorsOf(document: string): string[] {
  const prose = document.replaceAll(/^```.*?^```/gms, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
}
