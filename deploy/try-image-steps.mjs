/**
 * Runs the steps of the Dockerfile without a container engine: `sudo node deploy/try-image-steps.mjs`. Each stage is a folder that
 * debootstrap fills, with Node.js from the npm registry instead of the one of the base image. The script then starts the program like the
 * image (as its user, with a read-only root, on a volume), checks its health, posts a webhook, and stops it.
 *
 * It needs root, debootstrap, and the registries of Debian and npm. It writes only to a temporary folder.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { postSample, secret } from './sample-webhook.mjs';

const project = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    keep: { type: 'boolean' },
    list: { type: 'boolean' },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
  },
});
const work = options.list ? '' : mkdtempSync(join(process.env.TRY_IMAGE_DIR ?? tmpdir(), 'inlet-image-'));
const port = 20_000 + Math.floor(Math.random() * 10_000);

// --- Reading the Dockerfile ---

const instructions = new Set(
  'ARG FROM WORKDIR COPY RUN ENV VOLUME USER EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD'.split(' '),
);

/** The instructions in order, with continued lines joined: `[{ name, words }]`. */
function readDockerfile() {
  const text = readFileSync(join(project, 'Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, words] = /^(\w+)\s+(.*)$/.exec(line);
      return { name, words };
    });
}

/** Parses the arguments of `ENV A=b C=d` and `ARG A=b`. */
function pairsOf(words) {
  return Object.fromEntries(
    [...words.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, key, value]) => [key, value.replaceAll('"', '')]),
  );
}

/** The files of the build context. .dockerignore ignores everything (`*`) and then lists exceptions. */
function contextFiles() {
  const lines = readFileSync(join(project, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: project,
    encoding: 'utf8',
  });
  const matches = (file, pattern) =>
    pattern === '*' ||
    file === pattern ||
    file.startsWith(`${pattern}/`) ||
    (pattern.includes('*') &&
      new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(file));
  return files
    .trim()
    .split('\n')
    .filter((file) => {
      let ignored = false;
      for (const line of lines) {
        const pattern = line.replace(/^!/, '');
        if (matches(file, pattern)) ignored = !line.startsWith('!');
      }
      return !ignored && existsSync(join(project, file));
    });
}

// --- Folders instead of images ---

function sh(command, args, more = {}) {
  return execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...more });
}

/** A folder with Debian, Node.js and npm, like the image node:VERSION-SUITE-slim. */
function makeBase(image) {
  const [, version, suite] = /^node:([\d.]+)-(\w+)-slim$/.exec(image) ?? [];
  if (!suite) throw new Error(`the base image ${image} is not known to this script`);
  const folder = join(work, 'base');
  if (existsSync(folder)) return folder;
  console.log(`== base: Debian ${suite} by debootstrap`);
  sh('debootstrap', ['--variant=minbase', '--include=ca-certificates', suite, folder, options.mirror]);
  console.log(`== base: Node.js ${version} and npm from the npm registry`);
  const fetched = join(work, 'node');
  mkdirSync(fetched);
  writeFileSync(join(fetched, 'package.json'), '{"private":true}');
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  sh('npm', ['install', '--silent', '--prefix', fetched, `node-linux-${architecture}@${version}`, 'npm@11']);
  cpSync(
    join(fetched, `node_modules/node-linux-${architecture}/bin/node`),
    join(folder, 'usr/local/bin/node'),
  );
  mkdirSync(join(folder, 'usr/local/lib/node_modules'), { recursive: true });
  cpSync(join(fetched, 'node_modules/npm'), join(folder, 'usr/local/lib/node_modules/npm'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of ['npm', 'npx'])
    sh('ln', ['-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'usr/local/bin', name)]);
  // The configuration with which this machine reaches the registries.
  for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs/ca-certificates.crt'])
    cpSync(file, join(folder, file), { dereference: true });
  if (existsSync('/usr/etc/npmrc')) cpSync('/usr/etc/npmrc', join(folder, 'usr/local/etc/npmrc'));
  return folder;
}

/** The arguments of `unshare` that run a command in the folder, in its own namespaces. */
function inside(root, command, { cwd, env, readOnly = false, user, volume }) {
  const rights = '--clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all';
  const become = user ? `setpriv --reuid=${user[0]} --regid=${user[1]} ${rights}` : '';
  const mounts = [
    'set -e',
    'mount --make-rprivate /',
    'mount --bind "$ROOT" "$ROOT"',
    'mount -t proc proc "$ROOT/proc"',
    'mount --rbind /dev "$ROOT/dev"',
    ...(volume ? ['mount --bind "$VOLUME" "$ROOT$VOLUME_AT"'] : []),
    ...(readOnly ? ['mount -o remount,bind,ro "$ROOT"', 'mount -t tmpfs tmpfs "$ROOT/tmp"'] : []),
    `exec chroot "$ROOT" ${become} env -i /bin/sh -c 'cd "$1"; shift; exec env "$@"' sh "$@"`,
  ];
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const args = [
    '--mount',
    '--pid',
    '--ipc',
    '--fork',
    '--kill-child',
    '--',
    '/bin/sh',
    '-c',
    mounts.join('\n'),
    'sh',
    cwd,
    ...variables,
    ...command,
  ];
  return {
    args,
    options: { env: { ...process.env, ROOT: root, VOLUME: volume?.from ?? '', VOLUME_AT: volume?.at ?? '' } },
  };
}

/** Runs the instructions and returns the configuration of the image. EXPOSE and STOPSIGNAL have no effect here. */
function build() {
  const args = {};
  const stages = new Map();
  let stage;
  for (const { name, words } of readDockerfile()) {
    const filled = words.replaceAll(/\$\{(\w+)\}/g, (whole, key) => args[key] ?? whole);
    if (name === 'ARG') Object.assign(args, pairsOf(words));
    else if (name === 'FROM') {
      const [, image, title = 'final'] = /^(?:--platform=\S+ )?(\S+)(?: AS (\w+))?$/.exec(filled);
      const root = join(work, title);
      sh('cp', ['-a', '--reflink=auto', makeBase(image), root]);
      stage = {
        root,
        cwd: '/',
        user: undefined,
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
      };
      stages.set(title, stage);
      console.log(`== stage ${title}`);
    } else {
      console.log(`== ${name} ${words}`);
      perform(stage, { name, words, stages });
    }
  }
  return stages.get('final');
}

function perform(stage, { name, words, stages }) {
  if (name === 'ENV') Object.assign(stage.env, pairsOf(words));
  else if (name === 'WORKDIR') {
    stage.cwd = words;
    mkdirSync(join(stage.root, words), { recursive: true });
  } else if (name === 'USER') stage.user = words.split(':');
  else if (name === 'VOLUME') stage.volume = words;
  else if (name === 'HEALTHCHECK') stage.health = JSON.parse(/CMD (.*)$/.exec(words)[1]);
  else if (name === 'ENTRYPOINT') stage.entrypoint = JSON.parse(words);
  else if (name === 'CMD') stage.command = JSON.parse(words);
  else if (name === 'COPY') copy(stage, words, stages);
  else if (name === 'RUN') {
    const script = words.replaceAll(/--mount=\S+ /g, '');
    const { args, options: more } = inside(stage.root, ['/bin/sh', '-c', script], {
      cwd: stage.cwd,
      env: stage.env,
    });
    sh('unshare', args, more);
  } else if (!['EXPOSE', 'STOPSIGNAL'].includes(name))
    throw new Error(`the instruction ${name} is not known to this script`);
}

/** What `COPY path` takes of the project. */
function filesOf(path) {
  const files = contextFiles().filter((file) => path === '.' || file === path || file.startsWith(`${path}/`));
  if (files.length === 0) throw new Error(`COPY ${path}: .dockerignore leaves nothing of it`);
  return files;
}

/** One line for each instruction. Fails where one is not known, or copies what is not there. */
function list() {
  for (const { name, words } of readDockerfile()) {
    if (!instructions.has(name)) throw new Error(`the instruction ${name} is not known to this script`);
    const isFromProject = name === 'COPY' && !words.includes('--from=');
    const counts = isFromProject
      ? words
          .split(' ')
          .slice(0, -1)
          .map((path) => filesOf(path).length)
      : [];
    const total = counts.reduce((sum, count) => sum + count, 0);
    console.log(`${name} ${words}${isFromProject ? ` (${total} files)` : ''}`);
  }
}

function copy(stage, words, stages) {
  const from = /--from=(\w+) /.exec(words)?.[1];
  const paths = words.replace(/--from=\w+ /, '').split(' ');
  const target = resolve(stage.cwd, paths.pop());
  for (const path of paths) {
    if (from) {
      const source = join(stages.get(from).root, path);
      mkdirSync(join(stage.root, target), { recursive: true });
      sh('cp', ['-a', `${source}/.`, join(stage.root, target)]);
      continue;
    }
    const wanted = filesOf(path);
    const isFolder = path !== '.' && statSync(join(project, path)).isDirectory();
    for (const file of wanted) {
      const place = isFolder ? relative(path, file) : path === '.' ? file : file.split('/').at(-1);
      const destination = join(stage.root, target, place);
      mkdirSync(dirname(destination), { recursive: true });
      cpSync(join(project, file), destination);
    }
  }
}

// --- Trying the image ---

function check(what, holds) {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`);
  if (!holds) process.exitCode = 1;
}

async function tryOut(image) {
  const volume = { from: join(work, 'volume'), at: image.volume };
  // Like a container engine, fill a new volume with the files that the image has in that place.
  sh('cp', ['-a', join(image.root, image.volume), volume.from]);
  const settings = { ...image.env, HOME: '/var/lib/inlet', PORT: String(port), ZAPI_WEBHOOK_SECRET: secret };
  const full = { ...settings, AUTH_SECRET: 'a-secret-for-this-trial-0123456789abcdef' };
  const place = { cwd: image.cwd, readOnly: true, user: image.user, volume };
  const run = (command, env) => {
    const { args, options: more } = inside(image.root, command, { ...place, env });
    return spawn('unshare', args, { ...more, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const result = async (child) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output += String(chunk)));
    const status = await new Promise((done) => child.once('close', done));
    return { status, output: output.trim() };
  };

  console.log('== try: start without settings');
  const refused = await result(run([...image.entrypoint, ...image.command], settings));
  check(`without AUTH_SECRET it ends with 78: ${refused.output.split('\n')[0]}`, refused.status === 78);
  const version = await result(run([...image.entrypoint, '--version'], settings));
  check(`--version says ${version.output}`, version.status === 0 && /^\d+\.\d+\.\d+$/.test(version.output));
  const wrong = await result(run([...image.entrypoint, 'strat'], settings));
  check(`a wrong command ends with 64: ${wrong.output}`, wrong.status === 64);
  const ffmpeg = await result(run(['ffmpeg', '-version'], settings));
  check(`it has ${ffmpeg.output.split('\n')[0]}`, ffmpeg.status === 0);
  const write = await result(run(['touch', '/app/new'], settings));
  check(`the root is read-only: ${write.output}`, write.status !== 0);

  console.log('== try: start with the embedded PostgreSQL on the volume');
  const since = Date.now();
  const service = run([...image.entrypoint, ...image.command], full);
  let printed = '';
  for (const stream of [service.stdout, service.stderr])
    stream.on('data', (chunk) => {
      printed += String(chunk);
      process.stdout.write(String(chunk));
    });
  const ended = new Promise((done) => service.once('close', (code, signal) => done(signal ?? code)));
  const base = `http://127.0.0.1:${port}`;
  const ask = (path, init) =>
    fetch(base + path, { signal: AbortSignal.timeout(5_000), ...init }).catch(() => undefined);
  while ((await ask('/health/ready'))?.status !== 200 && Date.now() - since < 120_000) await delay(200);
  check(`it is ready after ${Date.now() - since} ms`, (await ask('/health/ready'))?.status === 200);
  const pid = processInside(service.pid);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  check(
    `process 1 of the container runs as ${/^Uid:\s+(\d+)/m.exec(status)[1]}`,
    new RegExp(`^Uid:\\s+${image.user[0]}\\b`, 'm').test(status),
  );
  check('it is process 1', /^NSpid:.*\s1$/m.test(status));
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  check(`it was started as: ${words}`, words.includes('--single-threaded-gc'));
  const health = await result(run(image.health, full));
  check('the health check succeeds', health.status === 0);
  const answer = await postSample(base).catch(() => undefined);
  const receipt = await answer?.json();
  check(`a webhook is ${receipt?.outcome}`, answer?.status === 200 && receipt.outcome === 'accepted');
  const token = (await result(run([...image.entrypoint, 'token', '--scope', 'media:read'], full))).output;
  const media = await ask(`/v1/media/${receipt?.media?.[0]}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  check('a token of the image shows its media', media?.status === 200);
  check('the gallery is there', (await ask('/admin'))?.status === 200);

  console.log('== try: shutdown');
  const asked = Date.now();
  process.kill(Number(pid), 'SIGTERM');
  const how = await Promise.race([ended, delay(15_000, 'not within 15 s', { ref: false })]);
  check(`SIGTERM ends it after ${Date.now() - asked} ms with ${how}`, how === 0);
  const late = await result(run(image.health, full));
  check('the health check fails', late.status === 1);
  const left = readdirSync(join(volume.from, 'state'));
  check(`on the volume: ${left.join(', ')}`, left.includes('postgres'));
}

function megabytes(folder) {
  return execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0];
}

/** The process id of the first process in the new namespace, which is the only child of `unshare`. */
function processInside(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
}

if (options.list) {
  list();
} else {
  try {
    const image = build();
    console.log(
      `== the image takes ${megabytes(image.root)} MB, of which ${megabytes(join(work, 'base'))} are its base`,
    );
    await tryOut(image);
  } finally {
    if (options.keep) console.log(`kept: ${work}`);
    else rmSync(work, { recursive: true, force: true });
  }
}
