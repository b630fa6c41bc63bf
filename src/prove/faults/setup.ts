/**
 * The participants during faults: a service, its database, its disk, media hosts, and the record of what was
 * sent.
 */
import { createHash, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { BenchService } from '../../bench/service.js';
import { uniquePhotos } from '../../demo/photos.js';
import type { Webhook } from '../../demo/providers/simulated-provider.js';
import type { MediaView } from '../../http/shapes/media.js';
import { sendSignal } from '../../infra/process/signals.js';
import type { SentWebhook } from '../auditor/index.js';
import { standBetween, type Between, type Spoiling } from '../proxy.js';
import type { Context } from '../check.js';
import { eventually } from '../eventually.js';
import { startPostgres, type PostgresServer } from '../postgres-server.js';
import { openDisk, type Disk } from './disk.js';
import { promisedOf, startMoodyHost, type Mood, type MoodyHost } from './moody-host.js';

/** A picture that was sent. */
export interface SentPicture {
  /** The status of its webhook; 0 if there was none. */
  readonly status: number;
  readonly link: string;
  /** The service's id of it; empty if it was not acknowledged. */
  readonly media: string;
}

export interface Shown {
  readonly state: string;
  readonly error: string | null;
  /** The codes of its warnings. */
  readonly warnings: readonly string[];
}

export interface Stage {
  readonly service: BenchService;
  readonly postgres: PostgresServer;
  readonly disk: Disk;
  readonly host: MoodyHost;
  readonly databaseUrl: string;
  readonly uploadsDir: string;
  readonly spoolDir: string;
  /** Everything that was sent, for the auditor. */
  readonly sent: readonly SentWebhook[];
  /** Sends a webhook with a new picture. */
  readonly send: (behaviour?: { readonly mood?: Mood; readonly times?: number }) => Promise<SentPicture>;
  /** The media item in the API now. */
  readonly show: (media: string) => Promise<Shown>;
  /** Requests a retry now. */
  readonly retry: (media: string) => Promise<void>;
  /** The problem according to `/health/ready`; empty if there is none. */
  readonly trouble: () => Promise<string>;
  /** Shifts the process's clock against the real time. */
  readonly setClock: (offsetMs: number) => Promise<void>;
  /** The media of all webhooks that were answered with 200. */
  readonly acknowledged: () => readonly string[];
  readonly close: () => Promise<void>;
}

export interface Weakness {
  readonly settings?: Readonly<Record<string, string>>;
  /** The proxy in front of the service. */
  readonly between?: Spoiling;
}

/** Short, so that downloads from hanging hosts soon time out. */
const fetchTimeoutMs = 3_000;
const maxMediaBytes = 5_000_000;
const webhookMs = 15_000;
const photo = { width: 320, height: 240 };

export async function openStage(context: Context, weakness: Weakness = {}): Promise<Stage> {
  const clock = join(tmpdir(), `inlet-faults-clock-${randomUUID()}`);
  const [postgres, disk, host] = await Promise.all([startPostgres(), openDisk(), startMoodyHost()]);
  const uploadsDir = join(disk.folder, 'uploads');
  const inletDir = join(disk.folder, 'inlet');
  const service = await context.start({
    DATABASE_URL: postgres.connectionString,
    UPLOADS_DIR: uploadsDir,
    INLET_DIR: inletDir,
    FETCH_TIMEOUT_MS: String(fetchTimeoutMs),
    MAX_MEDIA_BYTES: String(maxMediaBytes),
    FETCH_ALLOW_PRIVATE_HOSTS: host.host,
    NODE_OPTIONS: `--import=${new URL('clock.js', import.meta.url).href}`,
    INLET_PROVE_CLOCK: clock,
    ...weakness.settings,
  });
  const between = weakness.between && (await standBetween(service.port, weakness.between));
  const baseUrl = baseOf(service, between);
  const photos = await uniquePhotos(most, { seed: context.seed % 1_000, ...photo });

  return {
    service,
    postgres,
    disk,
    host,
    uploadsDir,
    databaseUrl: postgres.connectionString,
    spoolDir: join(inletDir, 'spool'),
    ...createSending({ service, host, baseUrl, photos }),
    show: (media) => show(service, media),
    retry: async (media) => {
      await service.post(`/v1/media/${media}/retry`);
    },
    trouble: () => troubleOf(baseUrl),
    setClock: async (offsetMs) => {
      await writeFile(clock, String(offsetMs));
      if (service.pid !== undefined) sendSignal(service.pid, 'SIGUSR2');
      await delay(clockMs);
    },
    close: async () => {
      between?.close();
      await service.stop();
      host.close();
      await postgres.remove();
      await disk.remove();
      await rm(clock, { force: true });
    },
  };
}

interface Sending {
  readonly service: BenchService;
  readonly host: MoodyHost;
  readonly baseUrl: string;
  readonly photos: { readonly at: (index: number) => Buffer };
}

/** Sends webhooks, and records what was sent and what was acknowledged. */
function createSending({
  service,
  host,
  baseUrl,
  photos,
}: Sending): Pick<Stage, 'sent' | 'send' | 'acknowledged'> {
  const provider = service.simulator.providers['z-api'];
  const sent: SentWebhook[] = [];
  const acknowledged: string[] = [];
  return {
    sent,
    acknowledged: () => acknowledged,
    send: async ({ mood, times } = {}) => {
      const content = photos.at(sent.length % most);
      const link = host.serve({ content, ...(mood && { mood }), ...(times && { times }) });
      const messageId = randomUUID();
      const webhook = provider.webhook({ kind: 'image', id: messageId, url: link });
      const claim = { channel: 'z-api', body: webhook.body, messageId, erased: 'no' } as const;
      const whole = mood === 'promises less' ? promisedOf(content) : content;
      const pictures = [createHash('sha256').update(whole).digest('hex')];
      const place = sent.push({ ...claim, pictures, acknowledged: false }) - 1;
      const { status, media } = await post(baseUrl, webhook);
      sent[place] = { ...claim, pictures, acknowledged: status === 200 };
      if (media !== '') acknowledged.push(media);
      return { status, media, link };
    },
  };
}

async function post(baseUrl: string, { path, headers, body }: Webhook) {
  const signal = AbortSignal.timeout(webhookMs);
  try {
    const answer = await fetch(baseUrl + path, { method: 'POST', headers, body, signal });
    const { media = [] } = (await answer.json()) as { media?: string[] };
    return { status: answer.status, media: media[0] ?? '' };
  } catch {
    return { status: 0, media: '' };
  }
}

async function show(service: BenchService, media: string): Promise<Shown> {
  const answer = await service.get(`/v1/media/${media}`).catch(() => undefined);
  const found = (await answer?.json().catch(() => undefined)) as
    Partial<Pick<MediaView, 'state' | 'error' | 'warnings'>> | undefined;
  return {
    state: found?.state ?? 'not answered',
    error: found?.error?.code ?? null,
    warnings: (found?.warnings ?? []).map(({ code }) => code),
  };
}

async function troubleOf(baseUrl: string): Promise<string> {
  const answer = await fetch(`${baseUrl}/health/ready`);
  const { detail } = (await answer.json()) as { detail?: string };
  return answer.status === 200 ? '' : (detail ?? String(answer.status));
}

/** Pictures that differ. */
const most = 10_000;
/** Waits until the signal has arrived. */
const clockMs = 50;

function baseOf({ baseUrl }: BenchService, between: Between | undefined): string {
  return between ? `http://127.0.0.1:${String(between.port)}` : baseUrl;
}

/**
 * Waits until a picture is stored, and requests a retry for one that was refused; returns its final state.
 */
export async function arrives(
  { show, retry }: Pick<Stage, 'show' | 'retry'>,
  media: string,
  withinMs: number,
): Promise<string> {
  let now = await show(media);
  await eventually(async () => {
    now = await show(media);
    if (now.state === 'rejected') await retry(media);
    return now.state === 'ready' || now.state === 'failed';
  }, withinMs);
  return now.state;
}
