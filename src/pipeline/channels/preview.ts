/**
 * Shows what a channel with these settings would make of a webhook, without a channel and without storing
 * anything.
 */
import type { Channel } from '../../domain/channel.js';
import { decodeEmbedded, valueAt } from '../../domain/embedded.js';
import { AppError, type FieldError } from '../../domain/errors.js';
import type { Evaluate } from '../../domain/evaluation.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { InboundEvent } from '../../domain/provider.js';
import type { Outcome } from '../../domain/receipt.js';
import { payloadOf, readEvents, translated } from '../receive/receive.js';
import { buildAdapter, makeSecret, type SettingValues } from './settings.js';

export interface PreviewRequest {
  /** The id of a provider. */
  readonly provider: string;
  /** The secret that the service may choose can be missing. */
  readonly settings: SettingValues;
  /** The body of a webhook. */
  readonly payload: string;
  readonly contentType?: string | undefined;
}

export type Preview =
  /** What is wrong with the settings or with the payload, so that nothing was tried. */
  | { readonly problems: readonly FieldError[] }
  | {
      readonly outcome: Outcome;
      readonly reason: string | null;
      readonly events: readonly InboundEvent[];
      /** Returns the number of bytes at a place of the payload, or why there are none. */
      readonly sizeAt: (pointer: string) => number | string;
    };

/**
 * Rejects with `request.not_found` if there is no such provider, and with `service.unavailable` if there are
 * too many previews at once. A failure of an expression is a `malformed` outcome with its reason.
 */
export type PreviewWebhook = (request: PreviewRequest) => Promise<Preview>;

/** A trial takes two seconds at most. */
const retryAfterMs = 2_000;

interface PreviewDependencies {
  readonly providers: readonly ProviderKind[];
  /** Evaluates where no webhook waits for it. */
  readonly evaluate: Evaluate;
  readonly maxMediaBytes: number;
  readonly now: () => Date;
}

export function createPreview({
  providers,
  evaluate,
  maxMediaBytes,
  now,
}: PreviewDependencies): PreviewWebhook {
  return async (request) => {
    const kind = providers.find(({ id }) => id === request.provider);
    if (!kind) throw new AppError('request.not_found', 'there is no such provider');
    const read = readRequest(kind, request, now);
    if ('problems' in read) return read;
    const { channel, payload } = read;
    const trial = { hasWaitedTooLong: false };
    const webhook = await translated({ channel, payload }, () => noting(trial, evaluate));
    if (trial.hasWaitedTooLong) {
      const retryAt = new Date(now().getTime() + retryAfterMs);
      throw new AppError('service.unavailable', 'too many previews at once: try again', { retryAt });
    }
    return {
      ...readEvents({ ...webhook, receivedAt: now() }),
      sizeAt: (pointer) => sizeOf(valueAt(payload, pointer), maxMediaBytes),
    };
  };
}

/** Notes whether the expression was not tried at all. A webhook is kept then, but a person can ask again. */
function noting(trial: { hasWaitedTooLong: boolean }, evaluate: Evaluate): Evaluate {
  return async (evaluation) => {
    const evaluated = await evaluate(evaluation);
    trial.hasWaitedTooLong = !evaluated.ok && evaluated.isPassing === true;
    return evaluated;
  };
}

interface ReadRequest {
  readonly channel: Channel;
  readonly payload: unknown;
}

function readRequest(
  kind: ProviderKind,
  { provider, settings, payload, contentType }: PreviewRequest,
  now: () => Date,
): ReadRequest | { readonly problems: readonly FieldError[] } {
  try {
    const channel: Channel = {
      id: `preview of ${provider}`,
      provider,
      source: 'database',
      settings: Object.keys(settings),
      adapter: buildAdapter(kind, withSecret(kind, settings), now),
    };
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    return { channel, payload: payloadOf(channel, Buffer.from(payload), headers) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { problems: error.fields ?? [{ field: 'payload', message: error.message }] };
  }
}

/** A channel would get a secret when it is created. */
function withSecret({ ownSecret }: ProviderKind, settings: SettingValues): SettingValues {
  if (ownSecret === null || Object.hasOwn(settings, ownSecret)) return settings;
  return { ...settings, [ownSecret]: makeSecret() };
}

function sizeOf(value: unknown, maxBytes: number): number | string {
  try {
    return decodeEmbedded(typeof value === 'string' ? value : '', maxBytes).length;
  } catch (error) {
    return error instanceof AppError ? error.message : 'the file cannot be read';
  }
}
