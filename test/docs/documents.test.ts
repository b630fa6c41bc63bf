/** What the documents say is compared with the code, so that neither can change alone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { coreSettings, loadConfig } from '../../src/config.js';
import { errorCodes } from '../../src/domain/errors.js';
import { mediaStates } from '../../src/domain/media.js';
import { apiRoutes } from '../../src/http/openapi.js';
import { checks } from '../../src/prove/checks.js';
import { providers } from '../../src/providers/index.js';

const root = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

const documents = readdirSync(root).filter((name) => name.endsWith('.md'));
const readme = read('README.md');

const settings = [...coreSettings, ...providers.flatMap(({ envKeys }) => Object.values(envKeys))].sort();

/** The first two cells of the rows that begin with a name in code, below the heading. */
function rowsBelow(heading: string): [name: string, second: string][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` +\| ([^|]*?) +\|/gm)].map(([, name = '', second = '']) => [
    name,
    second,
  ]);
}

const namesBelow = (heading: string): string[] => rowsBelow(heading).map(([name]) => name);
const isCode = (name: string): boolean => name.includes('.') || name === 'internal';

describe('README', () => {
  test('lists every error code once, and no other', () => {
    const listed = namesBelow('States and error codes').filter(isCode);
    expect(listed.sort()).toEqual([...errorCodes].sort());
  });

  test('lists every state of a media once, and no other', () => {
    const listed = namesBelow('States and error codes').filter((name) => !isCode(name));
    expect(listed.sort()).toEqual([...mediaStates].sort());
  });

  test('lists every route of the API once, with its scope, and no other', () => {
    const scopes = apiRoutes.map(({ method, path, scope }) => [`${method.toUpperCase()} ${path}`, scope]);
    const listed = rowsBelow('The API by example').map(([route, needs]) => [
      route,
      /^`([^`]+)`/.exec(needs)?.[1] ?? null,
    ]);
    expect(listed.sort()).toEqual(scopes.sort());
  });

  test('lists every setting once, and no other', () => {
    expect(namesBelow('Settings').sort()).toEqual(settings);
  });

  test('says how to connect every provider', () => {
    const needed = providers.flatMap(({ id, enabledBy, envKeys }) => [
      `/webhooks/${id}`,
      ...enabledBy.map((name) => envKeys[name] ?? name),
    ]);
    expect(needed.filter((text) => !readme.includes(text))).toEqual([]);
  });
});

describe('.env.example', () => {
  const lines = read('.env.example').split('\n');
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

  test('holds nothing but the defaults that README names', () => {
    const defaults = new Map(rowsBelow('Settings'));
    const given = assigned.filter(([, value]) => value !== '');
    expect(given).toEqual(given.map(([name]) => [name, defaults.get(name)?.replaceAll('`', '')]));
  });

  test('names defaults that are those of the code', () => {
    const load = (env: Record<string, string>) =>
      loadConfig({ ...env, AUTH_SECRET: 'a-secret-for-tests-0123456789abcdef' }, () => new Date());
    expect(load(Object.fromEntries(assigned))).toEqual(load({}));
  });
});

describe('SECURITY.md', () => {
  const rows = read('SECURITY.md').split('\n## Doors\n')[1]?.split('\n## ')[0] ?? '';
  /** Behind each door: the names in the last cell of its row. */
  const doors = [...rows.matchAll(/^\| ([^|]+?) +\|.*\| ([^|]+?) +\|$/gm)]
    .slice(1)
    .filter(([, door = '']) => !/^-+$/.test(door))
    .map(([, door = '', proofs = '']) => ({
      door,
      proofs: [...proofs.matchAll(/`([^`]+)`/g)].map(([, proof = '']) => proof),
    }));
  const ids = checks.map(({ id }) => id);

  test('names for each door what proves it, and all of that exists', () => {
    expect(doors.length).toBeGreaterThan(20);
    expect(doors.filter(({ proofs }) => proofs.length === 0)).toEqual([]);
    const isThere = (proof: string): boolean => ids.includes(proof) || existsSync(join(root, proof));
    expect(doors.flatMap(({ proofs }) => proofs).filter((proof) => !isThere(proof))).toEqual([]);
  });

  test('has a door for every check', () => {
    const named = new Set(doors.flatMap(({ proofs }) => proofs));
    expect(ids.filter((id) => !named.has(id))).toEqual([]);
  });
});

describe.each(documents)('%s', (name) => {
  const text = read(name);

  test('names only commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, script]) => script);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  test('links only to files and headings that exist', () => {
    const prose = text.replaceAll(/^```.*?^```/gms, '');
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(name, link))).toEqual([]);
  });

  test('names only files of the project that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|prisma)\/[\w./-]*)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('speaks of nothing outside the project', () => {
    expect(text).not.toMatch(/\.\.\/shared|\/work\/|issue #/i);
  });
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? join(root, from) : join(root, dirname(from), path);
  if (!existsSync(file)) return false;
  return heading === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(heading);
}

/** As GitHub makes them. */
function anchorsOf(document: string): string[] {
  return [...document.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
