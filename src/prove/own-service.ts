/**
 * The service with its own database and secret, in a container: it and everything that it starts can be
 * killed at once.
 */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { makeToken, surroundings } from '../demo/service-process.js';
import { freePort } from '../infra/net/free-port.js';
import { eventually } from './eventually.js';

const run = promisify(execFile);
const webhookSecret = 'a-secret-of-the-webhooks-0123456789';
const webhookMs = 20_000;
/** What a container runtime gives a container: its own process ids and System V memory. */
const container = ['--pid', '--ipc', '--fork', '--mount-proc', '--kill-child'];

export interface OwnService {
  readonly output: () => string;
  /** Whether it became ready before it ended. */
  readonly ready: (withinMs?: number) => Promise<boolean>;
  /** Sends a webhook with a picture; returns the id of its media item if it was acknowledged. */
  readonly send: () => Promise<string | undefined>;
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string, body: unknown) => Promise<Response>;
  /** Kills it with everything that it has started. */
  readonly kill: () => Promise<void>;
}

export interface OwnLaunch {
  /** The parent of `INLET_DIR` and `UPLOADS_DIR`. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** A program of this project in a container. */
export interface Container {
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly output: () => string;
  /** Kills it with everything that it has started. */
  readonly kill: () => Promise<void>;
}

interface ContainerLaunch {
  /** The compiled program. */
  readonly entry: URL;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Whether it also has its own network. */
  readonly apart?: boolean;
}

/** Why containers are not available here; undefined if they are. */
export async function withoutContainers(): Promise<string | undefined> {
  try {
    await run('unshare', [...container, 'true']);
    return undefined;
  } catch (error) {
    return `containers cannot be made here (${lastLine(error)})`;
  }
}

export function lastLine(error: unknown): string {
  return String(error).trim().split('\n').at(-1) ?? '';
}

/** Returns at once. */
export function startContainer({ entry, args = [], env, cwd, apart = false }: ContainerLaunch): Container {
  const program = [process.execPath, ...process.execArgv, fileURLToPath(entry), ...args];
  const inside = apart ? ['--net', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', ...program] : program;
  const child = spawn('unshare', [...container, ...inside], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<void>((done) => {
    child.once('close', () => {
      done();
    });
  });
  return {
    ended,
    output: () => output,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Resolves at once. */
export async function startOwnService({ folder, environment }: OwnLaunch): Promise<OwnService> {
  const port = await freePort();
  const env = {
    ...surroundings(environment),
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    INLET_DIR: join(folder, 'inlet'),
    UPLOADS_DIR: join(folder, 'uploads'),
    ZAPI_WEBHOOK_SECRET: webhookSecret,
    FETCH_ALLOW_PRIVATE_HOSTS: '127.0.0.1:9',
  };
  const { ended, output, kill } = startContainer({
    entry: new URL('../main.js', import.meta.url),
    env,
    cwd: folder,
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const baseUrl = `http://127.0.0.1:${String(port)}`;
  let token: Promise<string> | undefined;
  const authorized = async (): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await (token ??= makeToken({ env, cwd: folder }))}`,
    'content-type': 'application/json',
  });

  return {
    output,
    kill,
    ready: async (withinMs = 120_000) => {
      const isReady = (): Promise<boolean> =>
        fetch(`${baseUrl}/health/ready`).then(
          ({ status }) => status === 200,
          () => false,
        );
      await eventually(async () => isOver || (await isReady()), withinMs);
      return isReady();
    },
    send: () => sendWebhook(baseUrl),
    get: async (path) => fetch(baseUrl + path, { headers: await authorized() }),
    post: async (path, body) =>
      fetch(baseUrl + path, { method: 'POST', headers: await authorized(), body: JSON.stringify(body) }),
  };
}

/** The picture never exists; only the webhook must be stored. */
async function sendWebhook(baseUrl: string): Promise<string | undefined> {
  const body = {
    type: 'ReceivedCallback',
    instanceId: 'INSTANCE',
    messageId: randomUUID(),
    phone: '5511999990000',
    fromMe: false,
    isGroup: false,
    momment: Date.now(),
    status: 'RECEIVED',
    chatName: 'A',
    senderName: 'A',
    image: { imageUrl: `http://127.0.0.1:9/${randomUUID()}.jpg`, mimeType: 'image/jpeg', caption: '' },
  };
  try {
    const answer = await fetch(`${baseUrl}/webhooks/z-api?token=${webhookSecret}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(webhookMs),
    });
    const { media = [] } = (await answer.json()) as { media?: string[] };
    return answer.status === 200 ? media[0] : undefined;
  } catch {
    return undefined;
  }
}

/** The media items that the service does not have. */
export async function missingOf(service: OwnService, media: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const id of media) {
    const { status } = await service.get(`/v1/media/${id}`);
    if (status !== 200) missing.push(`media ${id} was acknowledged and is answered with ${String(status)}`);
  }
  return missing;
}
