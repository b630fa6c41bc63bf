// Generates the Prisma client, compiles the service and the client package, and bundles the gallery. With --if-needed only when something has
// changed since the last time.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const root = import.meta.dirname;
const stampFile = join(root, 'dist', '.stamp');
const generated = join(root, 'src', 'infra', 'generated');
const clientPackage = join(root, 'packages', 'client', 'dist');
const sources = [
  'src',
  'prisma/schema.prisma',
  'prisma.config.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.client.json',
  'tsconfig.gallery.json',
  'build.mjs',
  'package-lock.json',
];

function* filesOf(path) {
  const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : [];
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (child === generated) continue;
    if (entry.isDirectory()) yield* filesOf(child);
    else yield child;
  }
}

function stamp() {
  const hash = createHash('sha256');
  for (const source of sources) {
    const path = join(root, source);
    const files = /\.[a-z]+$/.test(source) ? [path] : [...filesOf(path)].sort();
    for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function run(packageName, script, args) {
  const require = createRequire(import.meta.url);
  const command = join(require.resolve(`${packageName}/package.json`), '..', script);
  // Generating needs the schema parser only, which is WebAssembly; naming an engine keeps Prisma from downloading one.
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  };
  try {
    execFileSync(process.execPath, [command, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    process.stderr.write(`${String(error.stdout ?? '')}${String(error.stderr ?? '')}\n`);
    throw error;
  }
}

/** The pages for people: one script and one sheet, named after what is in them, so that browsers may keep them for ever. */
async function bundleGallery() {
  const source = join(root, 'src', 'gallery');
  const target = join(root, 'dist', 'gallery');
  // Only building needs it: an installation without development dependencies starts what was built before.
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: {
      app: join(source, 'main.tsx'),
      theme: join(source, 'theme.ts'),
      live: join(source, 'live-worker.ts'),
      style: join(source, 'styles', 'main.css'),
    },
    outdir: target,
    entryNames: '[name].[hash]',
    tsconfig: join(root, 'tsconfig.gallery.json'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    legalComments: 'none',
    metafile: true,
  });
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  const page = readFileSync(join(source, 'index.html'), 'utf8').replaceAll(
    /\{\{(\w+)\.(js|css)\}\}/g,
    (_, name, kind) => {
      const made = names.find((file) => file.startsWith(`${name}.`) && file.endsWith(`.${kind}`));
      if (!made) throw new Error(`the gallery has no ${name}.${kind}`);
      // The service knows where it stands, and puts it in.
      return `{{base}}/admin/assets/${made}`;
    },
  );
  writeFileSync(join(target, 'index.html'), page);
}

const wanted = stamp();
const isCurrent =
  [stampFile, generated, clientPackage].every(existsSync) && readFileSync(stampFile, 'utf8') === wanted;
if (!process.argv.includes('--if-needed') || !isCurrent) {
  for (const built of [join(root, 'dist'), clientPackage]) rmSync(built, { recursive: true, force: true });
  run('prisma', 'build/index.js', ['generate']);
  run('typescript', 'bin/tsc', ['-p', 'tsconfig.build.json']);
  run('typescript', 'bin/tsc', ['-p', 'tsconfig.client.json']);
  await bundleGallery();
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampFile, wanted);
}
