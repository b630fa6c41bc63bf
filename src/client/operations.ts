/** Calls for operators: health, statistics, metrics, and the description of the API. */
import type { Alert, Stats } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** Options of statistics. */
export interface StatsOptions extends CallOptions {
  /** Length of the period until now, in days; 30 by default, 366 at most. */
  readonly days?: number | undefined;
}

/** These calls need no token and are never retried, because they report the current state. */
export interface HealthClient {
  /** Whether the process answers. */
  readonly live: (options?: CallOptions) => Promise<{ readonly status: 'ok' }>;
  /**
   * Whether the database answers, jobs are processed and files can be written; rejects with 503 and the cause
   * otherwise.
   */
  readonly ready: (options?: CallOptions) => Promise<Readonly<Record<string, 'ok'>>>;
}

/** The identity of the service and its most important addresses. */
export interface ServiceIndex {
  readonly name: 'inlet';
  readonly version: string;
  readonly links: {
    readonly gallery: string;
    readonly documentation: string;
    readonly openapi: string;
    readonly health: string;
  };
}

export interface OperationsClient {
  /** The name, the version and the addresses of the service; needs no token. */
  readonly index: (options?: CallOptions) => Promise<ServiceIndex>;
  readonly health: HealthClient;
  /** Counts of media by channel, state, kind, direction and day. */
  readonly stats: (options?: StatsOptions) => Promise<Stats>;
  /** What is wrong now, newest first. */
  readonly alerts: (query?: PageQuery, options?: CallOptions) => List<Alert>;
  /** Metrics in the text format of Prometheus. */
  readonly metrics: (options?: CallOptions) => Promise<string>;
  /** The OpenAPI document. */
  readonly openApi: (
    options?: CallOptions,
  ) => Promise<{ readonly openapi: string } & Readonly<Record<string, unknown>>>;
}

export function operationsClient(transport: Transport): OperationsClient {
  const { json, text } = transport;
  return {
    index: (options) => json({ ...options, method: 'GET', path: '/' }),
    health: {
      live: (options) => json({ ...options, method: 'GET', path: '/health/live', retries: 0 }),
      ready: (options) => json({ ...options, method: 'GET', path: '/health/ready', retries: 0 }),
    },
    stats: ({ days, signal, timeoutMs } = {}) =>
      json({ signal, timeoutMs, method: 'GET', path: '/v1/stats', query: { days } }),
    alerts: (query, options) => listOf(transport, { path: '/v1/alerts', query: { ...query }, options }),
    metrics: (options) => text({ ...options, method: 'GET', path: '/metrics' }),
    openApi: (options) => json({ ...options, method: 'GET', path: '/openapi.json' }),
  };
}
