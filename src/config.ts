/**
 * The only reader of the environment. All problems are reported at once, by name and never with the value.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';

import { z } from 'zod';

import type { Channel } from './domain/channel.js';
import { keepTextsModes, type KeepTexts } from './domain/keep-texts.js';
import { ownValue } from './domain/own-value.js';
import { listsHost } from './domain/host-list.js';
import type { RoleRule, RoleRules } from './domain/sign-in.js';
import { itemsOfList } from './domain/text.js';
import { roles } from './domain/user.js';
import type { S3Settings } from './infra/files/s3-blob-store.js';
import { readOrCreateState, readState, StateFileError } from './infra/files/state-file.js';
import type { IdentityProviderSettings } from './infra/oidc/identity-provider.js';
import { samplerNames, type TracingSettings } from './infra/observability/tracing.js';
import { findProgram } from './infra/pictures/video-frames.js';
import { readDatabaseUrl } from './infra/postgres/database-url.js';
import { providers } from './providers/index.js';
import type { ProviderDefinition } from './providers/kit/define-provider.js';
import { folderProblem, isBlank, problemsOf } from './settings/problems.js';
import { misspelledNames } from './settings/spelling.js';

/** A setting for all channels, and where a channel differs. */
interface ByChannel<Value> {
  readonly common: Value;
  readonly byChannel: ReadonlyMap<string, Value>;
}

/** How long raw webhooks are kept by default. */
const deliveryDays = 30;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Each problem names a setting. Ends the process with status 78 (EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the settings have problems:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const wholeNumber = (fallback: number, { min = 1, max = Number.MAX_SAFE_INTEGER } = {}) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
const list = z
  .string()
  .default('')
  .transform((text) => itemsOfList(text.toLowerCase()));

/** `name=value` pairs with `%` escapes, in the format of OpenTelemetry. */
const pairs = z
  .string()
  .default('')
  .transform((text, context) => {
    try {
      return Object.fromEntries(
        itemsOfList(text).map((pair) => {
          const [, name = '', value = ''] = /^([\w.-]+)\s*=\s*(.*)$/.exec(pair) ?? [];
          if (name === '') throw new URIError('no name');
          return [decodeURIComponent(name), decodeURIComponent(value)] as const;
        }),
      );
    } catch {
      context.addIssue({
        code: 'custom',
        message: 'must be a list of name=value pairs, separated by commas',
      });
      return z.NEVER;
    }
  });

const keepTextsMode = z.enum(keepTextsModes);

/** A mode for all channels, and `channel=mode` for each channel that differs. */
const keepTextsSetting = z
  .string()
  .refine(
    (text) => itemsOfList(text).every((item) => keepTextsMode.safeParse(modeIn(item).mode).success),
    'must be all, around or none, perhaps followed by channel=all and the like, separated by commas',
  );

function modeIn(item: string): { readonly channel: string | undefined; readonly mode: string } {
  const at = item.lastIndexOf('=');
  const mode = item.slice(at + 1).trim();
  return { channel: at === -1 ? undefined : item.slice(0, at).trim(), mode };
}

/** The last mode for a channel counts; without one for all channels, the default does. */
function keepTextsOf(text: string): Config['keepTexts'] {
  const modes = itemsOfList(text).map(modeIn);
  const parsed = modes.map(({ channel, mode }) => ({ channel, mode: keepTextsMode.parse(mode) }));
  const common = parsed.findLast(({ channel }) => channel === undefined);
  const byChannel = parsed.flatMap(({ channel, mode }) =>
    channel === undefined ? [] : [[channel, mode] as const],
  );
  return { common: common?.mode ?? 'around', byChannel: new Map(byChannel) };
}

const longestDays = 36_500;
const days = z.coerce.number().int().min(1).max(longestDays);

/** Days for all channels, and `channel=days` for each channel that differs; `forever` only where it is allowed. */
const daysSetting = ({ forever }: { readonly forever: boolean }) =>
  z.string().refine(
    (text) => {
      const items = itemsOfList(text).map(modeIn);
      return items.every(({ mode }) => (forever && mode === 'forever') || days.safeParse(mode).success);
    },
    `must be a number of days from 1 to ${String(longestDays)}${forever ? ' or forever' : ''}, perhaps followed by channel=30 and the like, separated by commas`,
  );

/** Undefined days mean forever. The last number for a channel counts. */
function daysOf(text: string, fallback: number | undefined): ByChannel<number | undefined> {
  const items = itemsOfList(text).map((item) => {
    const { channel, mode } = modeIn(item);
    return { channel, days: mode === 'forever' ? undefined : days.parse(mode) };
  });
  const common = items.findLast(({ channel }) => channel === undefined);
  const byChannel = items.flatMap((item) =>
    item.channel === undefined ? [] : [[item.channel, item.days] as const],
  );
  return { common: common ? common.days : fallback, byChannel: new Map(byChannel) };
}

/** `value=role` or `value=role:channel+channel`; the value may contain `=` itself. */
const roleRulesSetting = z.string().transform((text, context) => {
  const rules = itemsOfList(text).map(roleRuleOf);
  if (rules.length > 0 && rules.every((rule) => rule !== undefined)) return rules;
  context.addIssue({
    code: 'custom',
    message: `must be a list of value=role, separated by commas, with the roles ${roles.join(', ')}; channels follow as value=agent:z-api+blip`,
  });
  return z.NEVER;
});

function roleRuleOf(item: string): RoleRule | undefined {
  const { channel: value = '', mode } = modeIn(item);
  const [roleName = '', ...limits] = mode.split(':').map((part) => part.trim());
  const role = roles.find((one) => one === roleName);
  const channels = limits.flatMap((limit) => limit.split('+')).map((one) => one.trim());
  if (role === undefined || value === '' || limits.length > 1 || channels.includes('')) return undefined;
  return { value, role, channels: channels.length > 0 ? channels : null };
}

const databaseUrl = z.string().transform((text, context) => {
  const read = readDatabaseUrl(text);
  if ('url' in read) return read.url;
  context.addIssue({ code: 'custom', message: read.problem });
  return z.NEVER;
});

/** Paths are appended to this URL. */
const publicUrl = z
  .url({ protocol: /^https?$/, error: 'is not a URL that begins with https:// or http://' })
  .refine((text) => !/[?#]/.test(text), 'has a query or a fragment; only a path can be appended to')
  .refine(
    (text) => !URL.canParse(text) || /^[\w./~-]*$/.test(new URL(text).pathname),
    'may only have letters, digits and - . _ ~ in its path',
  );

/** What the documents say about a setting. */
interface SettingMeta {
  readonly group: string;
  /** Without a full stop at the end; may have several sentences. */
  readonly description: string;
  /** The effect while the setting has no value; undefined if its default says so. */
  readonly unset?: string;
}

const descriptions = z.registry<SettingMeta>();

function describe<Schema extends z.ZodType>(schema: Schema, meta: SettingMeta): Schema {
  // A copy, because some schemas are shared.
  const described = schema.clone();
  descriptions.add(described, meta);
  return described;
}

function descriptionOf(schema: z.ZodType): SettingMeta {
  const meta = descriptions.get(schema);
  if (meta === undefined) throw new Error('a setting has no description');
  return meta;
}

const settings = z.object({
  NODE_ENV: describe(z.enum(['development', 'production', 'test']).default('development'), {
    group: 'Address',
    description: '`development`, `production` or `test`; `production` requires `AUTH_SECRET`',
  }),
  HOST: describe(z.string().default('127.0.0.1'), {
    group: 'Address',
    description: 'Address to listen on; `0.0.0.0` for all network interfaces',
  }),
  PORT: describe(wholeNumber(3000, { min: 0, max: 65_535 }), {
    group: 'Address',
    description: 'Port to listen on; `0` for any free port',
  }),
  PUBLIC_URL: describe(publicUrl.optional(), {
    group: 'Address',
    unset: 'made of host and port',
    description:
      'The address that others reach the service at; signed links start with it. It may have a path, and everything then works below that path',
  }),
  PUBLIC_MEDIA_LINKS: describe(z.enum(['auto', 'always', 'never']).default('auto'), {
    group: 'Address',
    description:
      'Whether providers receive links to stored files (`always`) or bytes (`never`); `auto` sends links if `PUBLIC_URL` looks like an address that providers can reach',
  }),
  TRUSTED_PROXY_HOPS: describe(wholeNumber(0, { min: 0, max: 10 }), {
    group: 'Address',
    description: 'Number of reverse proxies in front whose `X-Forwarded-For` is trusted',
  }),
  PROCESS_MODE: describe(z.enum(['all', 'api', 'worker']).default('all'), {
    group: 'Processes, database and files',
    description: '`api` only answers HTTP, `worker` only runs jobs such as downloads, `all` does both',
  }),
  DATABASE_URL: describe(databaseUrl.optional(), {
    group: 'Processes, database and files',
    unset: 'embedded PostgreSQL in `INLET_DIR/postgres`',
    description:
      '`postgresql://` URL of a PostgreSQL 14 or newer, direct or through a pooler in session mode; its user needs CREATE on the database',
  }),
  INLET_DIR: describe(z.string().default('./.inlet'), {
    group: 'Processes, database and files',
    description:
      'Folder for the embedded database, the generated secret, and webhooks that are stored while the database is unavailable',
  }),
  AUTH_SECRET: describe(z.string().min(32, 'needs at least 32 characters').optional(), {
    group: 'Processes, database and files',
    unset: 'generated once and kept in `INLET_DIR`',
    description:
      'At least 32 characters; signs tokens and links, so changing it invalidates all of them. All processes need the same value',
  }),
  UPLOADS_DIR: describe(z.string().default('./uploads'), {
    group: 'Processes, database and files',
    description: 'Folder for temporary files and, with `STORAGE=local`, for stored files',
  }),
  STORAGE: describe(z.enum(['local', 's3']).default('local'), {
    group: 'Processes, database and files',
    description: '`local` stores files in `UPLOADS_DIR`, `s3` in a bucket of AWS or of a compatible store',
  }),
  S3_BUCKET: describe(z.string().optional(), {
    group: 'Processes, database and files',
    unset: 'none',
    description:
      'The bucket; required with `STORAGE=s3`. Credentials are found in the same way as by the AWS command line (`AWS_ACCESS_KEY_ID` and so on)',
  }),
  S3_ENDPOINT: describe(
    z.url({ protocol: /^https?$/, error: 'is not a URL that begins with https:// or http://' }).optional(),
    {
      group: 'Processes, database and files',
      unset: 'AWS, by region',
      description: 'URL of a store other than AWS',
    },
  ),
  S3_REGION: describe(z.string().default('us-east-1'), {
    group: 'Processes, database and files',
    description: 'Region of the bucket',
  }),
  S3_FORCE_PATH_STYLE: describe(z.enum(['true', 'false']).default('false'), {
    group: 'Processes, database and files',
    description:
      '`true` puts the name of the bucket into the path of the URL and not into its host, as many other stores require',
  }),
  S3_REDIRECT: describe(z.enum(['true', 'false']).default('false'), {
    group: 'Processes, database and files',
    description:
      '`true` sends readers of files and previews to an address of the bucket that is valid for 5 minutes, in place of passing the bytes on. The bucket must be reachable for them; the gallery and providers still get the bytes from Inlet',
  }),
  OIDC_ISSUER: describe(
    z
      .url({ protocol: /^https?$/, error: 'is not a URL that begins with https://' })
      .refine(
        (text) => !/[?#]|\/\.well-known\//.test(text),
        'must be the issuer alone, without the path of its configuration',
      )
      .optional(),
    {
      group: 'Sign-in',
      unset: 'no sign-in with OpenID Connect',
      description:
        'The issuer of your identity provider, exactly as the provider spells it, such as `https://login.example.com/realms/staff`. An address that is not public must be listed in `FETCH_ALLOW_PRIVATE_HOSTS`',
    },
  ),
  OIDC_CLIENT_ID: describe(z.string().optional(), {
    group: 'Sign-in',
    unset: 'none',
    description:
      'The client that the provider knows Inlet as; its redirect address is `PUBLIC_URL/v1/sign-in/oidc/callback`',
  }),
  OIDC_CLIENT_SECRET: describe(z.string().optional(), {
    group: 'Sign-in',
    unset: 'a public client',
    description: 'The secret of the client, if it has one',
  }),
  OIDC_NAME: describe(z.string().max(60).optional(), {
    group: 'Sign-in',
    unset: 'the host of the issuer',
    description: 'What people call the provider: the button says *Sign in with* this name',
  }),
  OIDC_ROLE_CLAIM: describe(z.string().default('roles'), {
    group: 'Sign-in',
    description:
      'The claim of the ID token or of the provider’s user information that decides about the role: a text or a list of texts. Dots lead into objects: `realm_access.roles`',
  }),
  OIDC_ROLES: describe(roleRulesSetting.optional(), {
    group: 'Sign-in',
    unset: 'none',
    description:
      'Values of the claim and their roles, comma separated; the first one that a person has counts. A role may be limited to channels: `inlet-admins=admin, support=agent:z-api+blip`',
  }),
  OIDC_DEFAULT_ROLE: describe(z.enum(roles).optional(), {
    group: 'Sign-in',
    unset: 'they are refused',
    description: 'The role of people without a value of `OIDC_ROLES`',
  }),
  RETENTION_DAYS: describe(daysSetting({ forever: true }).optional(), {
    group: 'Retention and limits',
    unset: 'media are kept',
    description:
      'Media received longer ago than this many days are erased every hour, with their messages and raw webhooks. Channels may differ: `365, z-api=30, blip=forever`',
  }),
  DELIVERY_RETENTION_DAYS: describe(daysSetting({ forever: false }).default(String(deliveryDays)), {
    group: 'Retention and limits',
    description:
      'Raw webhooks are deleted after this many days, and never later than the media that they brought. Channels may differ: `30, z-api=7`',
  }),
  ERASE_WHEN_DELETED: describe(z.enum(['true', 'false']).default('false'), {
    group: 'Retention and limits',
    description: '`true` erases media when their sender deletes the message; `false` keeps and marks them',
  }),
  KEEP_TEXTS: describe(keepTextsSetting.default('around'), {
    group: 'Retention and limits',
    description:
      'Which texts, locations and contact cards are kept: `all`, those that arrive within 10 minutes of a file of the same person or group (`around`), or `none`. Channels may differ: `around, z-api=all, blip=none`',
  }),
  ALERT_CHANNEL_SILENT_MINUTES: describe(wholeNumber(1_440, { min: 0, max: 525_600 }), {
    group: 'Alerts',
    description:
      'An alert begins when a channel has received nothing for this long, unless it has never received anything; `0` for none',
  }),
  ALERT_CHANNEL_REFUSED_MINUTES: describe(wholeNumber(10, { min: 0, max: 525_600 }), {
    group: 'Alerts',
    description:
      'An alert begins when calls to a channel are refused and none has been verified for this long before, which mostly means a wrong secret; `0` for none',
  }),
  ALERT_MEDIA_LATE_MINUTES: describe(wholeNumber(15, { min: 0, max: 525_600 }), {
    group: 'Alerts',
    description: 'An alert begins when media of a channel are pending for longer than this; `0` for none',
  }),
  ALERT_DISK_FREE_PERCENT: describe(wholeNumber(10, { min: 0, max: 90 }), {
    group: 'Alerts',
    description:
      'An alert begins when less of the disk with `UPLOADS_DIR` or `INLET_DIR` is free; `0` for none',
  }),
  MAX_MEDIA_BYTES: describe(wholeNumber(104_857_600), {
    group: 'Retention and limits',
    description: 'Largest file that is downloaded or uploaded, in bytes, also after decompression',
  }),
  MAX_IMAGE_PIXELS: describe(wholeNumber(100_000_000), {
    group: 'Retention and limits',
    description:
      'Largest picture that is decoded, in pixels; the limit is lower for formats that must be held in memory as a whole',
  }),
  CLAMD_HOST: describe(
    z
      .string()
      .regex(/^[^:/\s]+(:\d+)?$/, 'is not host or host:port')
      .refine((text) => addressOf(text).port <= 65_535, 'has a port that does not exist')
      .optional(),
    {
      group: 'Retention and limits',
      unset: 'files are not scanned',
      description:
        '`host` or `host:port` (default port 3310) of a clamd (ClamAV) that scans every file before it is ready; its `StreamMaxLength` must be at least `MAX_MEDIA_BYTES`',
    },
  ),
  FFMPEG: describe(z.enum(['auto', 'off']).default('auto'), {
    group: 'Retention and limits',
    description: 'Previews of videos: `auto` uses the `ffmpeg` on the PATH if there is one, `off` makes none',
  }),
  MAX_WEBHOOK_BYTES: describe(wholeNumber(3_145_728), {
    group: 'Retention and limits',
    description: 'Largest webhook body, in bytes',
  }),
  SPOOL_MAX_BYTES: describe(wholeNumber(1_073_741_824, { min: 0 }), {
    group: 'Retention and limits',
    description:
      'Largest size of `INLET_DIR/spool`, in bytes, which stores webhooks while the database is unavailable; with `0` such webhooks are answered with 503',
  }),
  API_REQUESTS_PER_MINUTE: describe(wholeNumber(60_000), {
    group: 'Retention and limits',
    description: 'Requests per minute for each token, counted per process',
  }),
  FAILED_WEBHOOKS_PER_MINUTE: describe(wholeNumber(120), {
    group: 'Retention and limits',
    description:
      'Webhooks that fail verification, and likewise failed sign-ins, per minute and address, counted per process; verified webhooks are never limited',
  }),
  FETCH_TIMEOUT_MS: describe(wholeNumber(30_000), {
    group: 'Downloads',
    description:
      'Timeout of one download, in milliseconds; a download that still receives 8 KiB/s may continue. Less than 1 KiB/s, or no headers within 15 s, ends it earlier',
  }),
  FETCH_MAX_ATTEMPTS: describe(wholeNumber(12), {
    group: 'Downloads',
    description: 'Attempts for one file; with the growing pauses between them, 12 attempts take 2 to 5 hours',
  }),
  FETCH_CONCURRENCY: describe(wholeNumber(32), {
    group: 'Downloads',
    description:
      'Downloads at the same time, per process; as many again may run if they last longer than 2 s. One channel uses at most 3/4 of them, one sender or chat 1/4',
  }),
  FETCH_CONCURRENCY_PER_HOST: describe(wholeNumber(16), {
    group: 'Downloads',
    description:
      'Downloads at the same time from one host. Hosts of one registrable domain count together, and so do addresses of one network (/24; IPv6 /48)',
  }),
  FETCH_ALLOW_PRIVATE_HOSTS: describe(list, {
    group: 'Downloads',
    unset: 'none',
    description:
      'Exact `host` or `host:port`, comma separated, that may have an address that is not public and use any port',
  }),
  LOG_LEVEL: describe(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    {
      group: 'Logs and traces',
      description: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
    },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: describe(
    z.url({ protocol: /^https?$/, error: 'is not a URL that begins with https:// or http://' }).optional(),
    {
      group: 'Logs and traces',
      unset: 'no traces',
      description:
        'A collector that accepts OTLP over HTTP (protobuf), for example `http://127.0.0.1:4318`; `/v1/traces` is appended',
    },
  ),
  OTEL_EXPORTER_OTLP_HEADERS: describe(pairs, {
    group: 'Logs and traces',
    unset: 'none',
    description: '`name=value`, comma separated: headers of every request to the collector',
  }),
  OTEL_SERVICE_NAME: describe(z.string().default('inlet'), {
    group: 'Logs and traces',
    description: 'Name of the service in traces',
  }),
  OTEL_TRACES_SAMPLER: describe(z.enum(samplerNames).default('parentbased_always_on'), {
    group: 'Logs and traces',
    description:
      '`always_on`, `always_off` or `traceidratio`; with the prefix `parentbased_`, callers that send a `traceparent` decide for their requests',
  }),
  OTEL_TRACES_SAMPLER_ARG: describe(z.coerce.number().min(0).max(1).default(1), {
    group: 'Logs and traces',
    description: 'The share of traces that `traceidratio` keeps, from 0 to 1',
  }),
});

/** The names of all settings of the core; those of the providers follow from their definitions. */
export const coreSettings: readonly string[] = Object.keys(settings.shape);

const allSettings: readonly string[] = [
  ...coreSettings,
  ...providers.flatMap(({ envKeys }) => Object.values(envKeys)),
];
/** Prefixes that only settings of Inlet have: those of the providers, and of three groups of the core. */
const ownPrefixes: readonly string[] = [
  ...new Set([
    ...providers.flatMap(({ envKeys }) => Object.values(envKeys).map((name) => name.replace(/_.*/, '_'))),
    'FETCH_',
    'OIDC_',
    'S3_',
  ]),
];

export interface CoreSetting extends SettingMeta {
  readonly name: string;
  /**
   * The spelling in the environment; undefined if an unset value has a meaning of its own, which `unset`
   * describes.
   */
  readonly default: string | undefined;
}

/** The settings of the core for the documents and the example file, in their order. */
export const settingDescriptions: readonly CoreSetting[] = Object.entries(settings.shape).map(
  ([name, schema]) => {
    const meta = descriptionOf(schema);
    return { ...meta, name, default: meta.unset === undefined ? defaultOf(schema) : undefined };
  },
);

function defaultOf(schema: z.ZodType): string | undefined {
  const value = schema.parse(undefined);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

export interface OidcConfig extends IdentityProviderSettings {
  /** What people call the provider. */
  readonly name: string;
  readonly roles: RoleRules;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** The base of links for others; derived from the address if not set. */
  readonly publicUrl: string | undefined;
  /** Whether providers receive links to stored files; `auto`: if the URL looks public. */
  readonly publicMediaLinks: 'auto' | 'always' | 'never';
  readonly inletDir: string;
  /** If undefined, the embedded PostgreSQL is used. */
  readonly databaseUrl: string | undefined;
  readonly authSecret: string;
  readonly processMode: 'all' | 'api' | 'worker';
  /** The folder for temporary files and, with the local store, for all files. */
  readonly uploadsDir: string;
  /** The bucket for files; if undefined, they are stored in `uploadsDir`. */
  readonly s3: S3Settings | undefined;
  /** For how many days media and raw webhooks are kept; undefined means forever. */
  readonly retention: {
    readonly media: ByChannel<number | undefined>;
    readonly deliveries: ByChannel<number | undefined>;
  };
  /** When alerts begin; 0 for none. */
  readonly alerts: {
    readonly channelSilentMinutes: number;
    readonly channelRefusedMinutes: number;
    readonly mediaLateMinutes: number;
    readonly diskFreePercent: number;
  };
  /** Whether media are erased when their sender deletes the message; otherwise they are only marked. */
  readonly eraseWhenDeleted: boolean;
  /** Which messages without files are kept, and where a channel differs. */
  readonly keepTexts: ByChannel<KeepTexts>;
  readonly maxMediaBytes: number;
  readonly maxImagePixels: number;
  /** The malware scanner; if undefined, files are not scanned. */
  readonly clamd: { readonly host: string; readonly port: number } | undefined;
  /** The path of the program that makes previews of videos; if undefined, videos have none. */
  readonly ffmpeg: string | undefined;
  readonly maxWebhookBytes: number;
  /** The limit for webhooks on disk while the database is unavailable; with 0 they are refused. */
  readonly spoolMaxBytes: number;
  /** Sign-in with an identity provider; undefined if there is none. */
  readonly oidc: OidcConfig | undefined;
  readonly fetch: {
    readonly timeoutMs: number;
    readonly maxAttempts: number;
    readonly concurrency: number;
    readonly concurrencyPerHost: number;
    readonly allowPrivateHosts: readonly string[];
  };
  readonly apiRequestsPerMinute: number;
  readonly failedWebhooksPerMinute: number;
  readonly trustedProxyHops: number;
  readonly logLevel: string;
  /** If undefined, there are no traces. */
  readonly tracing: TracingSettings | undefined;
  readonly channels: readonly Channel[];
  /** The API of each provider of these channels, as far as its address is a setting or has a default. */
  readonly providerUrls: readonly { readonly provider: string; readonly url: string }[];
}

/** Reads `.env` in the working directory if it exists; the real environment takes precedence. */
export function readEnvironment(): Environment {
  Object.assign(process.env, { ...environmentFile(), ...process.env });
  return process.env;
}

/** Windows editors write this mark at the beginning of a file, and some of them write UTF-16. */
const byteOrderMark = '\uFEFF';

function environmentFile(): NodeJS.Dict<string> {
  if (!existsSync('.env')) return {};
  let text: string;
  try {
    text = readFileSync('.env', 'utf8');
  } catch (error) {
    throw new ConfigError([`.env: cannot be read (${codeOf(error)})`]);
  }
  // Such a file would contain no recognisable settings.
  if (text.includes('\0')) throw new ConfigError(['.env: is not UTF-8 text: save it as UTF-8']);
  return parseEnv(text.startsWith(byteOrderMark) ? text.slice(1) : text);
}

interface LoadOptions {
  /** Whether a missing secret is generated; if not, `authSecret` is empty. True by default. */
  readonly makesSecret?: boolean;
}

/** Throws a {@link ConfigError} that lists all problems. */
export function loadConfig(
  environment: Environment,
  now: () => Date,
  { makesSecret = true }: LoadOptions = {},
): Config {
  const env = setOf(environment);
  const blank = allSettings.filter((name) => isBlank(ownValue(env, name) ?? ''));
  const problems = blank.map((name) => `${name}: holds nothing but spaces; remove it, or give it a value`);
  const parsed = settings.safeParse(env);
  if (!parsed.success) problems.push(...problemsOf(parsed.error, (path) => path));
  const channels = providers.flatMap((provider) => loadChannel(provider, { env, now, problems }));
  problems.push(...missing(env), ...folderProblems(env));
  if (!parsed.success || problems.length > 0)
    throw new ConfigError([...withoutRepetitions(problems), ...settingWarnings(environment)]);
  return Object.freeze(toConfig(parsed.data, { channels, env, makesSecret }));
}

/** Empty values, as in .env.example, count as not set. */
function setOf(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''),
  );
}

/** The first problem of each setting. Further problems usually follow from it. */
function withoutRepetitions(problems: readonly string[]): string[] {
  const nameOf = (problem: string): string => problem.split(':')[0] ?? '';
  return problems.filter(
    (problem, at) => problems.findIndex((other) => nameOf(other) === nameOf(problem)) === at,
  );
}

/**
 * One sentence for each name that is probably misspelled. It may belong to another program, so this is only a
 * warning.
 */
export function settingWarnings(environment: Environment): readonly string[] {
  return misspelledNames(Object.keys(setOf(environment)), { settings: allSettings, prefixes: ownPrefixes });
}

/** Settings that depend on other settings. */
function missing(env: Environment): string[] {
  return [
    ...(env['NODE_ENV'] === 'production' && env['AUTH_SECRET'] === undefined
      ? ['AUTH_SECRET: is required when NODE_ENV=production']
      : []),
    ...(env['STORAGE'] === 's3' && env['S3_BUCKET'] === undefined
      ? ['S3_BUCKET: is required when STORAGE=s3']
      : []),
    ...oidcProblems(env),
  ];
}

/** Those that mean nothing alone; the name of the claim has a default, which a copied example file sets. */
const oidcSettings = coreSettings.filter((name) => name.startsWith('OIDC_') && name !== 'OIDC_ROLE_CLAIM');

/** Settings of sign-in with OpenID Connect that do not fit together: the first sentence that applies. */
function oidcProblems(env: Environment): string[] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: id, OIDC_ROLES: rules, OIDC_DEFAULT_ROLE: role } = env;
  const set = oidcSettings.find((name) => ownValue(env, name) !== undefined);
  if (set === undefined) return [];
  if (issuer === undefined) return [`OIDC_ISSUER: is required when ${set} is set`];
  if (id === undefined) return ['OIDC_CLIENT_ID: is required when OIDC_ISSUER is set'];
  if (rules === undefined && role === undefined)
    return ['OIDC_ROLES: or OIDC_DEFAULT_ROLE is required when OIDC_ISSUER is set, or nobody could sign in'];
  const allowed = list.parse(env['FETCH_ALLOW_PRIVATE_HOSTS']);
  const isPlain = URL.canParse(issuer) && new URL(issuer).protocol === 'http:';
  if (isPlain && !listsHost(allowed, new URL(issuer)))
    return ['OIDC_ISSUER: must begin with https://, unless FETCH_ALLOW_PRIVATE_HOSTS lists its host'];
  return [];
}

function folderProblems(env: Environment): string[] {
  const { INLET_DIR, UPLOADS_DIR } = settings.shape;
  return Object.entries({ INLET_DIR, UPLOADS_DIR }).flatMap(
    ([name, schema]) => folderProblem(name, schema.parse(ownValue(env, name))) ?? [],
  );
}

interface Found {
  readonly channels: readonly Channel[];
  readonly env: Environment;
  readonly makesSecret: boolean;
}

function toConfig(values: z.infer<typeof settings>, { channels, env, makesSecret }: Found): Config {
  const inletDir = resolve(values.INLET_DIR);
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL?.replace(/\/+$/, ''),
    publicMediaLinks: values.PUBLIC_MEDIA_LINKS,
    inletDir,
    databaseUrl: values.DATABASE_URL,
    authSecret:
      values.AUTH_SECRET ??
      readOrCreateSecret(inletDir, { isEmbedded: values.DATABASE_URL === undefined, makesSecret }),
    processMode: values.PROCESS_MODE,
    uploadsDir: resolve(values.UPLOADS_DIR),
    s3: s3Of(values),
    retention: {
      media: daysOf(values.RETENTION_DAYS ?? '', undefined),
      deliveries: daysOf(values.DELIVERY_RETENTION_DAYS, deliveryDays),
    },
    alerts: {
      channelSilentMinutes: values.ALERT_CHANNEL_SILENT_MINUTES,
      channelRefusedMinutes: values.ALERT_CHANNEL_REFUSED_MINUTES,
      mediaLateMinutes: values.ALERT_MEDIA_LATE_MINUTES,
      diskFreePercent: values.ALERT_DISK_FREE_PERCENT,
    },
    eraseWhenDeleted: values.ERASE_WHEN_DELETED === 'true',
    keepTexts: keepTextsOf(values.KEEP_TEXTS),
    maxMediaBytes: values.MAX_MEDIA_BYTES,
    maxImagePixels: values.MAX_IMAGE_PIXELS,
    clamd: values.CLAMD_HOST === undefined ? undefined : addressOf(values.CLAMD_HOST),
    ffmpeg: values.FFMPEG === 'auto' ? findProgram('ffmpeg', env['PATH'] ?? '') : undefined,
    maxWebhookBytes: values.MAX_WEBHOOK_BYTES,
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
    oidc: oidcOf(values),
    fetch: {
      timeoutMs: values.FETCH_TIMEOUT_MS,
      maxAttempts: values.FETCH_MAX_ATTEMPTS,
      concurrency: values.FETCH_CONCURRENCY,
      concurrencyPerHost: values.FETCH_CONCURRENCY_PER_HOST,
      allowPrivateHosts: values.FETCH_ALLOW_PRIVATE_HOSTS,
    },
    apiRequestsPerMinute: values.API_REQUESTS_PER_MINUTE,
    failedWebhooksPerMinute: values.FAILED_WEBHOOKS_PER_MINUTE,
    trustedProxyHops: values.TRUSTED_PROXY_HOPS,
    logLevel: values.LOG_LEVEL,
    tracing: tracingOf(values),
    channels,
    providerUrls: channels.flatMap(({ provider }) => apiOf(provider, env)),
  };
}

function apiOf(id: string, env: Environment): Config['providerUrls'] {
  const provider = providers.find((one) => one.id === id);
  const url = ownValue(env, provider?.envKeys['apiUrl'] ?? '') ?? provider?.defaults['apiUrl'];
  return url === undefined ? [] : [{ provider: id, url }];
}

function s3Of(values: z.infer<typeof settings>): S3Settings | undefined {
  if (values.STORAGE !== 's3' || values.S3_BUCKET === undefined) return undefined;
  return {
    bucket: values.S3_BUCKET,
    endpoint: values.S3_ENDPOINT,
    region: values.S3_REGION,
    forcePathStyle: values.S3_FORCE_PATH_STYLE === 'true',
    redirects: values.S3_REDIRECT === 'true',
  };
}

function oidcOf(values: z.infer<typeof settings>): OidcConfig | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId } = values;
  if (issuer === undefined || clientId === undefined) return undefined;
  return {
    issuer,
    clientId,
    clientSecret: values.OIDC_CLIENT_SECRET,
    name: values.OIDC_NAME ?? new URL(issuer).host,
    roles: {
      claim: values.OIDC_ROLE_CLAIM,
      rules: values.OIDC_ROLES ?? [],
      otherwise: values.OIDC_DEFAULT_ROLE,
    },
  };
}

function tracingOf(values: z.infer<typeof settings>): TracingSettings | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  return {
    endpoint,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    serviceName: values.OTEL_SERVICE_NAME,
    sampler: values.OTEL_TRACES_SAMPLER,
    ratio: values.OTEL_TRACES_SAMPLER_ARG,
  };
}

const clamdPort = 3310;

function addressOf(clamd: string): NonNullable<Config['clamd']> {
  const [host = '', port = String(clamdPort)] = clamd.split(':');
  return { host, port: Number(port) };
}

interface ChannelSource {
  readonly env: Environment;
  readonly now: () => Date;
  readonly problems: string[];
}

/**
 * The channel that the environment configures for a provider; none without the secret that verifies its
 * senders.
 */
function loadChannel(provider: ProviderDefinition, { env, now, problems }: ChannelSource): Channel[] {
  const { id, envKeys, enabledBy, fileSettings } = provider;
  const enabled = enabledBy.some((name) => ownValue(env, ownValue(envKeys, name) ?? '') !== undefined);
  if (!enabled) return [];
  try {
    const values = Object.fromEntries(
      Object.entries(envKeys).map(([name, key]) => [
        name,
        fileSettings.includes(name) ? fileContent(ownValue(env, key)) : ownValue(env, key),
      ]),
    );
    const set = Object.keys(values).filter((name) => ownValue(values, name) !== undefined);
    return [{ id, provider: id, source: 'environment', settings: set, adapter: provider.load(values, now) }];
  } catch (error) {
    if (error instanceof z.ZodError)
      problems.push(...problemsOf(error, (name) => ownValue(envKeys, name) ?? name));
    else problems.push(`${id}: ${error instanceof Error ? error.message : 'cannot be configured'}`);
    return [];
  }
}

/** A PEM is returned unchanged; any other value is a path. */
function fileContent(value: string | undefined): string | undefined {
  if (value === undefined || value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch {
    return value; // The provider reports the problem with the name of the setting.
  }
}

/** Generated once and stored readable for its owner only. An incomplete file is neither used nor replaced. */
function readOrCreateSecret(
  inletDir: string,
  { isEmbedded, makesSecret }: { readonly isEmbedded: boolean; readonly makesSecret: boolean },
): string {
  const path = join(inletDir, 'auth-secret');
  const database = join(inletDir, 'postgres', 'data');
  if (isEmbedded && !existsSync(path) && existsSync(join(database, 'PG_VERSION')))
    throw new ConfigError([
      `AUTH_SECRET: ${path} is missing, but ${database} contains data that may be encrypted with it: restore it from a backup ` +
        `or set AUTH_SECRET (to continue with a new one, without the old tokens, links and encrypted settings: openssl rand -base64 48 > ${path})`,
    ]);
  try {
    const file = { path, isComplete: isCompleteSecret, remedy: secretRemedy };
    return (makesSecret ? readOrCreateState(file, newSecret) : (readState(file) ?? '')).trim();
  } catch (error) {
    if (error instanceof StateFileError) throw new ConfigError([`AUTH_SECRET: ${error.message}`]);
    throw new ConfigError([`INLET_DIR: ${path} cannot be read or created (${codeOf(error)})`]);
  }
}

const secretRemedy =
  'restore it from a backup, or set AUTH_SECRET; if nothing was stored yet, delete the file and a new one is generated';

/** The line break at the end shows that the secret is complete. */
function newSecret(): string {
  return `${randomBytes(48).toString('base64url')}\n`;
}

/**
 * Earlier versions generated 64 characters without a line break. An operator's own secret must have at least
 * the length of AUTH_SECRET and end with a line break, so that a truncated one is not used.
 */
function isCompleteSecret(content: string): boolean {
  return /^[\w-]{64}\s*$/.test(content) || /^[ -~]{32,}\r?\n$/.test(content);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
