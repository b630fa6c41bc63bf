// Generates the Prisma client, compiles the service and the client package, and bundles the gallery. With --if-needed only when something has
// changed since the last time.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
      start: join(source, 'before-paint.ts'),
      live: join(source, 'live-worker.ts'),
      'share-worker': join(source, 'shared', 'share-worker.ts'),
      style: join(source, 'styles', 'main.css'),
    },
    outdir: target,
    entryNames: '[name].[hash]',
    assetNames: '[name].[hash]',
    loader: { '.png': 'file' },
    tsconfig: join(root, 'tsconfig.gallery.json'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    legalComments: 'none',
    metafile: true,
  });
  const catalogues = writeCatalogues(join(source, 'languages'), target);
  const names = [
    ...Object.keys(metafile.outputs).map((path) => basename(path)),
    ...(await drawIcons(join(source, 'install'), target)),
  ];
  const made = (name, kind) => {
    const file = names.find((one) => one.startsWith(`${name}.`) && one.endsWith(`.${kind}`));
    if (!file) throw new Error(`the gallery has no ${name}.${kind}`);
    return file;
  };
  // Browsers look for a newer worker at the same address.
  renameSync(join(target, made('share-worker', 'js')), join(target, 'share-worker.js'));
  const address = (file) => `{{base}}/admin/assets/${file}`;
  for (const page of ['index.html', join('install', 'manifest.webmanifest')]) {
    const text = readFileSync(join(source, page), 'utf8')
      .replaceAll('{{catalogues}}', catalogues.map(address).join(' '))
      // The service knows where it stands, and puts it in.
      .replaceAll(/\{\{([\w-]+)\.(js|css|png)\}\}/g, (_, name, kind) => address(made(name, kind)));
    writeFileSync(join(target, basename(page)), text);
  }
}

/** The icons of the installed gallery, from one drawing. Systems cut a maskable one to their own shape. */
async function drawIcons(source, target) {
  const { default: sharp } = await import('sharp');
  const drawing = readFileSync(join(source, 'icon.svg'), 'utf8');
  const icons = [
    ['icon-192', 192, drawing],
    ['icon-512', 512, drawing],
    ['icon-maskable', 512, drawing.replace(' rx="7"', '')],
  ];
  return Promise.all(
    icons.map(async ([icon, size, svg]) => {
      const bytes = await sharp(Buffer.from(svg), { density: 72 * (size / 26) })
        .resize(size)
        .png({ palette: true })
        .toBuffer();
      const name = `${icon}.${createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()}.png`;
      writeFileSync(join(target, name), bytes);
      return name;
    }),
  );
}

/** The texts of each language but English, which is part of the script: a browser loads only its own. */
function writeCatalogues(source, target) {
  return ['messages', 'service'].flatMap((folder) =>
    readdirSync(join(source, folder))
      .filter((file) => file !== 'en.json')
      .map((file) => {
        const text = JSON.stringify(JSON.parse(readFileSync(join(source, folder, file), 'utf8')));
        const hash = createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();
        const name = `${folder}-${basename(file, '.json')}.${hash}.json`;
        writeFileSync(join(target, name), text);
        return name;
      }),
  );
}

/**
 * Prisma's client imports its query compiler as a text, which a process then keeps as long as it runs, twice and in base64: 5 MB. Reading
 * the same file leaves nothing behind.
 */
function readCompilerFromFile() {
  const file = join(generated, 'internal', 'class.ts');
  const text = readFileSync(file, 'utf8');
  const imported = /const \{ wasm \} = await import\(("@prisma\/client\/runtime\/[^"]+")\)/;
  if (!imported.test(text))
    throw new Error(`${file} imports its query compiler in another way: adapt build.mjs`);
  const reading = [
    "const { readFileSync } = await import('node:fs')",
    "const { createRequire } = await import('node:module')",
    "const text = readFileSync(createRequire(import.meta.url).resolve($1), 'latin1')",
    "const wasm = text.slice(text.indexOf('\"') + 1, text.lastIndexOf('\"'))",
  ];
  writeFileSync(file, text.replace(imported, reading.join('\n    ')));
}

const wanted = stamp();
const isCurrent =
  [stampFile, generated, clientPackage].every(existsSync) && readFileSync(stampFile, 'utf8') === wanted;
if (!process.argv.includes('--if-needed') || !isCurrent) {
  for (const built of [join(root, 'dist'), clientPackage]) rmSync(built, { recursive: true, force: true });
  run('prisma', 'build/index.js', ['generate']);
  readCompilerFromFile();
  run('typescript', 'bin/tsc', ['-p', 'tsconfig.build.json']);
  run('typescript', 'bin/tsc', ['-p', 'tsconfig.client.json']);
  await bundleGallery();
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampFile, wanted);
}
