import { setTimeout as delay } from 'node:timers/promises';

import { createClient, type InletClient } from '../client/index.js';
import type { Simulator } from './providers/index.js';
import type { ProviderId } from './providers/registry.js';
import { askingForReceipt, type Webhook } from './providers/simulated-provider.js';
import { scenario, type Expected, type Step } from './scenario.js';
import { table } from './table.js';

/** The outcome of one step. */
export interface StepResult {
  readonly provider: ProviderId;
  readonly sent: string;
  readonly expected: Expected;
  /** The outcome in the response, or the reason why there was none. */
  readonly outcome: string;
  readonly duplicate: boolean;
  readonly mediaId: string | null;
  readonly state: string | null;
  readonly errorCode: string | null;
  /** The time from sending the webhook to the final state, or to the response if there is no attachment. */
  readonly milliseconds: number;
  readonly matched: boolean;
  /** The differences from the expected result. */
  readonly differences: readonly string[];
}

interface Run {
  /** The URL of the service. */
  readonly baseUrl: string;
  /** An API token with the scope media:read. */
  readonly token: string;
  readonly simulator: Simulator;
  /** `scenario(simulator)` by default. */
  readonly steps?: readonly Step[];
  /** Called at the end of every step, in any order. */
  readonly onStep?: (result: StepResult) => void;
}

/** Far longer than an attachment takes whose host responds. */
const ordinaryMs = 1_000;
const waitSeconds = 120;
const requestMs = 45_000;

/** Posts the webhooks one after another and follows each attachment to its final state. */
export async function runScenario(run: Run): Promise<StepResult[]> {
  const { steps = await scenario(run.simulator), onStep } = run;
  const results: Promise<StepResult>[] = [];
  for (const step of steps) {
    const result = play(step, run);
    results.push(result);
    if (onStep !== undefined) void result.then(onStep);
    // One at a time, so that the times are meaningful; a slow one does not delay the rest.
    await Promise.race([result, delay(ordinaryMs, undefined, { ref: false })]);
  }
  return Promise.all(results);
}

/** The results as a table for the terminal. */
export function resultTable(results: readonly StepResult[]): string {
  return table<StepResult>(
    [
      { title: 'provider', value: ({ provider }) => provider },
      { title: 'sent', value: ({ sent }) => sent },
      { title: 'outcome', value: (result) => result.outcome + (result.duplicate ? ' (again)' : '') },
      { title: 'state', value: ({ state }) => state },
      { title: 'error', value: ({ errorCode }) => errorCode },
      { title: 'ms', value: ({ milliseconds }) => Math.round(milliseconds), align: 'right' },
      {
        title: 'as expected',
        value: ({ matched, differences }) => (matched ? 'yes' : `NO: ${differences.join('; ')}`),
      },
    ],
    results,
  );
}

interface Observed {
  readonly outcome: string;
  readonly duplicate: boolean;
  readonly mediaIds: readonly string[];
  readonly media: Readonly<Record<string, unknown>>;
}

async function play(
  { provider, sent, webhook, expected }: Step,
  { baseUrl, token }: Run,
): Promise<StepResult> {
  const started = performance.now();
  const client = createClient({ baseUrl, token });
  const observed = await observe(webhook(), { baseUrl, client }).catch(unanswered);
  const milliseconds = performance.now() - started;
  const differences = compare(expected, observed);
  return {
    provider,
    sent,
    expected,
    outcome: observed.outcome,
    duplicate: observed.duplicate,
    mediaId: observed.mediaIds[0] ?? null,
    state: text(observed.media['state']),
    errorCode: errorCodeOf(observed.media),
    milliseconds,
    matched: differences.length === 0,
    differences,
  };
}

/** An unfinished step is a result like any other: the table shows it. */
function unanswered(error: unknown): Observed {
  const outcome = error instanceof Error ? error.message : String(error);
  return { outcome, duplicate: false, mediaIds: [], media: {} };
}

interface Service {
  readonly baseUrl: string;
  readonly client: InletClient;
}

async function observe(webhook: Webhook, { baseUrl, client }: Service): Promise<Observed> {
  const { path, headers, body } = webhook;
  const answer = await post(baseUrl + path, { headers: { ...headers, ...askingForReceipt }, body });
  const mediaIds = Array.isArray(answer['media']) ? answer['media'].filter(isString) : [];
  const [mediaId] = mediaIds;
  return {
    outcome: text(answer['outcome']) ?? 'no outcome',
    duplicate: answer['duplicate'] === true,
    mediaIds,
    media:
      mediaId === undefined ? {} : { ...(await client.media.wait(mediaId, { maxSeconds: waitSeconds })) },
  };
}

async function post(url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(url, { ...init, method: 'POST', signal: AbortSignal.timeout(requestMs) });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(`HTTP ${String(response.status)}`);
  return isRecord(body) ? body : {};
}

type Comparison = readonly [name: string, wanted: unknown, found: unknown];

/** Compares in stages and reports the first difference, because later ones follow from it. */
function compare(expected: Expected, { outcome, duplicate, mediaIds, media }: Observed): string[] {
  const { state, errorCode = null, media: details = {} } = expected;
  const stages: Comparison[][] = [
    [['outcome', expected.outcome, outcome]],
    [
      ['duplicate', expected.duplicate ?? false, duplicate],
      ['attachments', state === undefined ? 0 : 1, mediaIds.length],
    ],
    [
      ['state', state ?? null, text(media['state'])],
      ['error', errorCode, errorCodeOf(media)],
    ],
    Object.entries(details).map(([name, value]): Comparison => [name, value, media[name]]),
  ];
  const differing = stages.map((stage) => stage.filter(([, wanted, found]) => wanted !== found));
  const first = differing.find(({ length }) => length > 0) ?? [];
  return first.map(([name, wanted, found]) => `${name} is ${show(found)}, not ${show(wanted)}`);
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? 'absent' : JSON.stringify(value);
}

function errorCodeOf(media: Readonly<Record<string, unknown>>): string | null {
  const { error } = media;
  return isRecord(error) ? text(error['code']) : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
