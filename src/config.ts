/** The only reader of the environment. Every problem is reported at once, by name, and never with the value. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import type { Channel } from './domain/channel.js';
import type { S3Settings } from './infra/s3-blob-store.js';
import { samplerNames, type TracingSettings } from './infra/tracing.js';
import { findProgram } from './infra/video-frames.js';
import { providers } from './providers/index.js';
import type { ProviderDefinition } from './providers/kit/define-provider.js';

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
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim().toLowerCase())
      .filter((item) => item !== ''),
  );

/** `name=value` pairs, with `%` escapes, as OpenTelemetry writes them. */
const pairs = z
  .string()
  .default('')
  .transform((text, context) => {
    try {
      return Object.fromEntries(
        text
          .split(',')
          .filter((pair) => pair.trim() !== '')
          .map((pair) => {
            const [, name = '', value = ''] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
            if (name === '') throw new URIError('no name');
            return [decodeURIComponent(name), decodeURIComponent(value)] as const;
          }),
      );
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a list of name=value, separated by commas' });
      return z.NEVER;
    }
  });

const settings = z.object({
  NODE_ENV: z.string().default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(3000, { min: 0, max: 65_535 }),
  PUBLIC_MEDIA_LINKS: z.enum(['auto', 'always', 'never']).default('auto'),
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional(),
  INLET_DIR: z.string().default('./.inlet'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'is not a postgresql:// URL' }).optional(),
  AUTH_SECRET: z.string().min(32, 'needs at least 32 characters').optional(),
  PROCESS_MODE: z.enum(['all', 'api', 'worker']).default('all'),
  UPLOADS_DIR: z.string().default('./uploads'),
  STORAGE: z.enum(['local', 's3']).default('local'),
  S3_BUCKET: z.string().optional(),
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('false'),
  MAX_MEDIA_BYTES: wholeNumber(104_857_600),
  MAX_IMAGE_PIXELS: wholeNumber(100_000_000),
  CLAMD_HOST: z
    .string()
    .regex(/^[^:/\s]+(:\d+)?$/, 'is not host or host:port')
    .refine((text) => addressOf(text).port <= 65_535, 'has a port that does not exist')
    .optional(),
  FFMPEG: z.enum(['auto', 'off']).default('auto'),
  MAX_WEBHOOK_BYTES: wholeNumber(3_145_728),
  SPOOL_MAX_BYTES: wholeNumber(1_073_741_824, { min: 0 }),
  RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  DELIVERY_RETENTION_DAYS: wholeNumber(30, { max: 36_500 }),
  FETCH_TIMEOUT_MS: wholeNumber(30_000),
  FETCH_MAX_ATTEMPTS: wholeNumber(12),
  FETCH_CONCURRENCY: wholeNumber(32),
  FETCH_CONCURRENCY_PER_HOST: wholeNumber(16),
  FETCH_ALLOW_PRIVATE_HOSTS: list,
  API_REQUESTS_PER_MINUTE: wholeNumber(60_000),
  FAILED_WEBHOOKS_PER_MINUTE: wholeNumber(120),
  TRUSTED_PROXY_HOPS: wholeNumber(0, { min: 0, max: 10 }),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs,
  OTEL_SERVICE_NAME: z.string().default('inlet'),
  OTEL_TRACES_SAMPLER: z.enum(samplerNames).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
});

/** Names of all settings that the core reads; those of the providers follow from their definitions. */
export const coreSettings: readonly string[] = Object.keys(settings.shape);

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Base of links handed to others; derived from the address when not set. */
  readonly publicUrl: string | undefined;
  /** Whether providers are handed links to what is kept here; `auto`: where the address looks public. */
  readonly publicMediaLinks: 'auto' | 'always' | 'never';
  readonly inletDir: string;
  /** Undefined: embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly authSecret: string;
  readonly processMode: 'all' | 'api' | 'worker';
  /** Of files that are being worked on, and of all with a store on this disk. */
  readonly uploadsDir: string;
  /** Where files are kept; undefined: in `uploadsDir`. */
  readonly s3: S3Settings | undefined;
  readonly retention: {
    /** Undefined: media are kept. */
    readonly mediaDays: number | undefined;
    readonly deliveryDays: number;
  };
  readonly maxMediaBytes: number;
  readonly maxImagePixels: number;
  /** The malware scanner; undefined: files are not scanned. */
  readonly clamd: { readonly host: string; readonly port: number } | undefined;
  /** Path of the program that makes previews of videos. Undefined: they have none. */
  readonly ffmpeg: string | undefined;
  readonly maxWebhookBytes: number;
  /** Of webhooks that wait on the disk for the database; 0: they are refused. */
  readonly spoolMaxBytes: number;
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
  /** Undefined: no traces. */
  readonly tracing: TracingSettings | undefined;
  readonly channels: readonly Channel[];
}

/** Reads `.env` in the working directory, where there is one; the real environment goes first. */
export function readEnvironment(): Environment {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

/** Throws a {@link ConfigError} that lists everything that is wrong. */
export function loadConfig(environment: Environment, now: () => Date): Config {
  // An empty value in a .env file means: not set.
  const env = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settings.safeParse(env);
  const problems = parsed.success ? [] : problemsOf(parsed.error, (path) => path);
  const channels = providers.flatMap((provider) => loadChannel(provider, { env, now, problems }));
  if (parsed.success) problems.push(...missing(parsed.data));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(toConfig(parsed.data, { channels, path: env['PATH'] ?? '' }));
}

/** Settings that others ask for. */
function missing({ NODE_ENV, AUTH_SECRET, STORAGE, S3_BUCKET }: z.infer<typeof settings>): string[] {
  return [
    ...(NODE_ENV === 'production' && AUTH_SECRET === undefined
      ? ['AUTH_SECRET: is required when NODE_ENV=production']
      : []),
    ...(STORAGE === 's3' && S3_BUCKET === undefined ? ['S3_BUCKET: is required when STORAGE=s3'] : []),
  ];
}

interface Found {
  readonly channels: readonly Channel[];
  /** Folders with programs. */
  readonly path: string;
}

function toConfig(values: z.infer<typeof settings>, { channels, path }: Found): Config {
  const inletDir = resolve(values.INLET_DIR);
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL?.replace(/\/+$/, ''),
    publicMediaLinks: values.PUBLIC_MEDIA_LINKS,
    inletDir,
    databaseUrl: values.DATABASE_URL,
    authSecret: values.AUTH_SECRET ?? keptSecret(inletDir),
    processMode: values.PROCESS_MODE,
    uploadsDir: resolve(values.UPLOADS_DIR),
    s3: s3Of(values),
    retention: { mediaDays: values.RETENTION_DAYS, deliveryDays: values.DELIVERY_RETENTION_DAYS },
    maxMediaBytes: values.MAX_MEDIA_BYTES,
    maxImagePixels: values.MAX_IMAGE_PIXELS,
    clamd: values.CLAMD_HOST === undefined ? undefined : addressOf(values.CLAMD_HOST),
    ffmpeg: values.FFMPEG === 'auto' ? findProgram('ffmpeg', path) : undefined,
    maxWebhookBytes: values.MAX_WEBHOOK_BYTES,
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
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
  };
}

function s3Of(values: z.infer<typeof settings>): S3Settings | undefined {
  if (values.STORAGE !== 's3' || values.S3_BUCKET === undefined) return undefined;
  return {
    ...{ bucket: values.S3_BUCKET, endpoint: values.S3_ENDPOINT, region: values.S3_REGION },
    forcePathStyle: values.S3_FORCE_PATH_STYLE === 'true',
  };
}

function tracingOf(values: z.infer<typeof settings>): TracingSettings | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  return {
    ...{ endpoint, headers: values.OTEL_EXPORTER_OTLP_HEADERS, serviceName: values.OTEL_SERVICE_NAME },
    ...{ sampler: values.OTEL_TRACES_SAMPLER, ratio: values.OTEL_TRACES_SAMPLER_ARG },
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

/** The channel that the environment makes of a provider: none without the secret that proves its senders. */
function loadChannel(provider: ProviderDefinition, { env, now, problems }: ChannelSource): Channel[] {
  const { id, envKeys, enabledBy, fileSettings } = provider;
  const enabled = enabledBy.some((name) => env[envKeys[name] ?? ''] !== undefined);
  if (!enabled) return [];
  try {
    const values = Object.fromEntries(
      Object.entries(envKeys).map(([name, key]) => [
        name,
        fileSettings.includes(name) ? fileContent(env[key]) : env[key],
      ]),
    );
    const set = Object.keys(values).filter((name) => values[name] !== undefined);
    return [{ id, provider: id, source: 'environment', settings: set, adapter: provider.load(values, now) }];
  } catch (error) {
    if (error instanceof z.ZodError) problems.push(...problemsOf(error, (name) => envKeys[name] ?? name));
    else problems.push(`${id}: ${error instanceof Error ? error.message : 'cannot be set up'}`);
    return [];
  }
}

/** A PEM stays as it is; anything else is a path. */
function fileContent(value: string | undefined): string | undefined {
  if (value === undefined || value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch {
    return value; // The provider says what is wrong with it, by the name of the setting.
  }
}

function problemsOf(error: z.ZodError, nameOf: (path: string) => string): string[] {
  return error.issues.map((issue) => `${nameOf(String(issue.path[0] ?? ''))}: ${issue.message}`);
}

/** Made once and kept, readable by its owner only. */
function keptSecret(inletDir: string): string {
  const file = join(inletDir, 'auth-secret');
  try {
    mkdirSync(inletDir, { recursive: true });
    if (!existsSync(file))
      writeFileSync(file, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // Another process may have made it in the same moment.
    if (!existsSync(file))
      throw new ConfigError([`INLET_DIR: ${inletDir} cannot be written (${codeOf(error)})`]);
  }
  return readFileSync(file, 'utf8').trim();
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
