/**
 * `npm run screenshots`: starts the service with two weeks of simulated photos, opens it in a real browser,
 * and stores screenshots in `docs/screenshots`. The pictures of the README are made by it, so that they show
 * the current state.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';

import { createClient, type InletClient } from '../client/index.js';
import { freePort } from '../infra/net/free-port.js';
import { startEmbeddedPostgres } from '../infra/postgres/embedded/server.js';
import { album } from './album.js';
import { photo } from './photos.js';
import { startSimulator } from './providers/index.js';
import { makeToken, startService, surroundings } from './service-process.js';

const target = join(import.meta.dirname, '../../docs/screenshots');
const photos = 48;
const maxBytes = 150_000;

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly theme?: 'light' | 'dark';
  readonly phone?: boolean;
  /** The language of the browser; by default British English. */
  readonly locale?: string;
  readonly signedOut?: boolean;
  /** Runs before the screenshot. */
  readonly first?: (page: Page) => Promise<void>;
}

const openPicture = async (page: Page): Promise<void> => {
  await page.locator('.tile.image.ready').nth(1).click();
  await page.getByRole('dialog').locator('.timeline li').first().waitFor();
};

const openConnection = async (page: Page): Promise<void> => {
  const heading = page.getByRole('heading', { name: 'z-api', exact: true });
  const card = page.getByRole('listitem').filter({ has: heading });
  await card.getByRole('button', { name: 'Connect', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Connection of z-api' });
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await dialog.getByText('The provider calls this channel.').waitFor();
};

const chooseExample = async (page: Page): Promise<void> => {
  await page.getByLabel('Start from an example').selectOption('driver-app');
  await page.getByText('Files would be downloaded.').waitFor();
};

const find = async (page: Page): Promise<Locator> => {
  await page.getByRole('combobox', { name: 'Search' }).fill('carla');
  const person = page.getByRole('option', { name: /Carla Nunes/ }).first();
  await person.waitFor();
  return person;
};

const suggest = async (page: Page): Promise<void> => {
  await find(page);
};

const openPerson = async (page: Page): Promise<void> => {
  await (await find(page)).click();
  await page.getByRole('heading', { name: 'Carla Nunes' }).waitFor();
};

/** Addresses with a secret, which are known once they are made. */
interface Links {
  readonly share: string;
  readonly invitation: string;
}

const shotsWith = ({ share, invitation }: Links): readonly Shot[] => [
  { name: 'search', path: '/admin', first: suggest },
  { name: 'person', path: '/admin', first: openPerson },
  { name: 'person-phone', path: '/admin', phone: true, theme: 'dark', first: openPerson },
  { name: 'shares', path: '/admin/shares' },
  { name: 'shared', path: share, signedOut: true },
  { name: 'users', path: '/admin/users' },
  { name: 'tokens', path: '/admin/tokens' },
  { name: 'audit', path: '/admin/audit' },
  { name: 'subscriptions', path: '/admin/subscriptions' },
  { name: 'account', path: '/admin/account' },
  { name: 'sign-in', path: '/admin', signedOut: true },
  { name: 'invitation', path: invitation, signedOut: true },
  { name: 'gallery-light', path: '/admin' },
  { name: 'gallery-dark', path: '/admin', theme: 'dark' },
  { name: 'gallery-phone', path: '/admin', phone: true },
  { name: 'gallery-phone-dark', path: '/admin', phone: true, theme: 'dark' },
  { name: 'viewer', path: '/admin?kind=image&state=ready', first: openPicture },
  { name: 'viewer-phone', path: '/admin?kind=image&state=ready', phone: true, first: openPicture },
  { name: 'viewer-pt', path: '/admin?kind=image&state=ready', locale: 'pt-BR', first: openPicture },
  { name: 'viewer-es', path: '/admin?kind=image&state=ready', locale: 'es-MX', first: openPicture },
  { name: 'sent', path: '/admin/sent' },
  { name: 'sent-phone', path: '/admin/sent', phone: true, theme: 'dark' },
  { name: 'attention', path: '/admin/attention?show=rejected' },
  { name: 'attention-phone', path: '/admin/attention?show=rejected', phone: true, theme: 'dark' },
  { name: 'overview', path: '/admin/overview' },
  { name: 'overview-dark', path: '/admin/overview', theme: 'dark' },
  { name: 'overview-phone', path: '/admin/overview', phone: true },
  { name: 'channels', path: '/admin/channels' },
  { name: 'channels-phone', path: '/admin/channels', phone: true },
  { name: 'connection', path: '/admin/channels', first: openConnection },
  { name: 'custom', path: '/admin/channels/custom', first: chooseExample },
  { name: 'custom-phone', path: '/admin/channels/custom', phone: true, theme: 'dark', first: chooseExample },
];

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-screenshots-'));
  const [postgres, simulator, port] = await Promise.all([
    startEmbeddedPostgres(join(folder, 'postgres')),
    startSimulator(),
    freePort(),
  ]);
  const env = {
    ...surroundings(process.env),
    ...simulator.env(),
    HOST: '127.0.0.1',
    PORT: String(port),
    INLET_DIR: join(folder, 'inlet'),
    UPLOADS_DIR: join(folder, 'uploads'),
    AUTH_SECRET: randomBytes(32).toString('hex'),
    DATABASE_URL: postgres.connectionString,
  };
  const service = startService({ env, cwd: folder, port });
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  try {
    await service.ready();
    for (const webhook of await album(simulator, photos)) {
      const { headers, body } = webhook;
      await fetch(service.baseUrl + webhook.path, { method: 'POST', headers, body });
    }
    await spreadOverTime(postgres.connectionString);
    const token = await makeToken({ env, cwd: folder });
    simulator.reportTo(service.baseUrl);
    const client = createClient({ baseUrl: service.baseUrl, token });
    await answerSome(client);
    const shots = shotsWith(await administer(client, receiverIn(env)));
    await mkdir(target, { recursive: true });
    for (const shot of shots) await take(browser, shot, { origin: service.baseUrl, token });
  } finally {
    await browser.close();
    await service.stop();
    await simulator.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const answers = [
  { channel: 'sobot', to: '5511999990003', caption: 'It fits, we come on Tuesday' },
  { channel: 'blip', to: '5511999990002@wa.gw.msging.net', caption: null },
  { channel: 'aisoule', to: '5511999990005', caption: 'Here is the quote you asked for' },
  { channel: 'vonage', to: '5511999990001', caption: 'Like this one?' },
  { channel: 'z-api', to: '5511999990004', caption: 'Thank you!' },
] as const;

/** Sends a photo over each provider, and waits until all are read. */
async function answerSome(client: InletClient): Promise<void> {
  for (const [index, { channel, to, caption }] of answers.entries()) {
    const file = new Blob([new Uint8Array(await photo({ seed: 400 + index, width: 1200, height: 900 }))]);
    const { id } = await client.media.upload(file, { channel, filename: 'photo.jpg' });
    const message = await client.messages.send({
      channel,
      to,
      kind: 'image',
      media: { id },
      ...(caption !== null && { caption }),
    });
    while ((await client.messages.get(message.id)).status !== 'read') await delay(50);
  }
}

/** Makes a share, users and a subscription. */
async function administer(client: InletClient, receiver: string): Promise<Links> {
  const { items } = await client.media.list({ kind: 'image', state: 'ready', limit: 3 }).page();
  const media = items.map(({ id }) => id);
  const expiresIn = 30 * 86_400;
  const { url } = await client.shares.create({ media, title: 'Photos of the delivery', expiresIn });
  await client.users.create({ email: 'bo@example.com', name: 'Bo Lima', role: 'agent', channels: ['z-api'] });
  await client.users.create({ email: 'iris@example.com', name: 'Iris Prado', role: 'operator' });
  const { invitation } = await client.users.create({
    email: 'rui@example.com',
    name: 'Rui Melo',
    role: 'viewer',
  });
  await client.subscriptions.create({
    url: receiver,
    description: 'Customer records',
    types: ['media.ready'],
  });
  return { share: pathOf(url), invitation: pathOf(invitation.url) };
}

/** A receiver of events on this machine, because addresses are resolved when a subscription is made. */
function receiverIn({ FETCH_ALLOW_PRIVATE_HOSTS: hosts = '' }: NodeJS.ProcessEnv): string {
  return `http://${hosts.split(',')[0] ?? ''}/customer-records`;
}

function pathOf(url: string): string {
  const { pathname, search, hash } = new URL(url);
  return pathname + search + hash;
}

function chromiumPath(): string {
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = [process.env['INLET_BROWSER'], ...places].find((place) => place && existsSync(place));
  if (found === undefined) throw new Error('There is no Chromium: install it, or set INLET_BROWSER');
  return found;
}

/** Once everything is downloaded, its times are spread over two weeks, in the order of arrival. */
async function spreadOverTime(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (;;) {
      const { rowCount } = await client.query("select 1 from media where state = 'pending' limit 1");
      if (rowCount === 0) break;
      await delay(200);
    }
    await client.query(
      `with counted as (
         select id, row_number() over (order by id desc)::float8 as place, count(*) over () as total from media
       ), times as (
         select id, now() - power(place / total, 1.5) * interval '13 days' as at from counted
       )
       update media set received_at = at, ready_at = case when state = 'ready' then at + (0.3 + 2.5 * random()) * interval '1 second' end
       from times where times.id = media.id`,
    );
    await client.query(
      `with first as (select media_id, min(at) as at from media_attempt group by media_id)
       update media_attempt set at = media.received_at + interval '280 ms' + (media_attempt.at - first.at)
       from media join first on first.media_id = media.id where media.id = media_attempt.media_id`,
    );
    await client.query(
      `update message set sent_at = media.received_at - interval '2 seconds', received_at = media.received_at
       from media where media.message_row_id = message.id`,
    );
  } finally {
    await client.end();
  }
}

async function take(
  browser: Browser,
  { name, path, theme = 'light', phone = false, locale = 'en-GB', signedOut = false, first }: Shot,
  { origin, token }: { origin: string; token: string },
): Promise<void> {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale,
    ...(phone && { isMobile: true, hasTouch: true }),
  });
  if (!signedOut) await context.addCookies([{ name: 'inlet_session', value: token, url: origin }]);
  const page = await context.newPage();
  await page.goto(origin + path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  // The stream of events never rests.
  await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined);
  await first?.(page);
  await page.evaluate(picturesLoaded);
  const png = await page.screenshot();
  await context.close();
  const file = join(target, `${name}.webp`);
  const { size } = await sharp(png).webp({ quality: 84, effort: 6, smartSubsample: true }).toFile(file);
  console.log(`${file}  ${String(Math.round(size / 1000))} kB`);
  if (size > maxBytes) throw new Error(`${name} has more than ${String(maxBytes)} bytes`);
}

/** Runs in the page: every picture that has started to load is painted. */
const picturesLoaded = `(async () => {
  const images = [...document.images].filter((image) => image.src !== '');
  await Promise.all(images.map((image) => image.decode().catch(() => undefined)));
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
})()`;

await main();
