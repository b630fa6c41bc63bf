/** Starts the service with the given command, gives it a webhook, and stops it: `node .ci/smoke.mjs COMMAND...` */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { postSample, secret } from '../deploy/sample-webhook.mjs';

const readyMs = 180_000;
const endMs = 15_000;
const [command, ...args] = process.argv.slice(2);

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const folder = await mkdtemp(join(tmpdir(), 'inlet-smoke-'));
const child = spawn(command, args, {
  stdio: ['ignore', 'pipe', 'pipe'],
  env: {
    ...process.env,
    PORT: String(port),
    INLET_DIR: join(folder, 'inlet'),
    UPLOADS_DIR: join(folder, 'uploads'),
    ZAPI_WEBHOOK_SECRET: secret,
  },
});
let output = '';
for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
const base = `http://127.0.0.1:${port}`;

async function isReady() {
  return fetch(`${base}/health/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function tryOut() {
  const deadline = Date.now() + readyMs;
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('it does not become ready');
    await delay(100);
  }
  const answer = await postSample(base);
  const receipt = await answer.json();
  if (answer.status !== 200 || receipt.outcome !== 'accepted')
    throw new Error(`a webhook is answered with ${answer.status} ${JSON.stringify(receipt)}`);
  const page = await fetch(`${base}/admin`);
  if (page.status !== 200) throw new Error(`the gallery is answered with ${page.status}`);
  child.kill('SIGTERM');
  const how = await Promise.race([ended, delay(endMs, `nothing within ${endMs} ms`, { ref: false })]);
  if (how !== 0) throw new Error(`SIGTERM ends it with ${how}`);
}

try {
  await tryOut();
  if (/Warning: /.test(output)) throw new Error('it prints a warning');
  console.log('ready, took a webhook, stopped');
} catch (error) {
  console.error(`${error.message}\n${output}`);
  process.exitCode = 1;
  child.kill('SIGKILL');
  await ended;
  // What it has started may hold the pipes open.
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
} finally {
  await rm(folder, { recursive: true, force: true });
}
