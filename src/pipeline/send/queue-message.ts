/**
 * Validates a message against the provider's limits and queues it. A refused message leaves nothing behind.
 */
import { createHash } from 'node:crypto';

import { seesChannel, type Access } from '../../domain/access.js';
import type { Channel, Channels } from '../../domain/channel.js';
import { aboutCallersFile, AppError, erasedMeanwhile, type FieldError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { textProblems } from '../../domain/outbound.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { MediaKind } from '../../domain/provider.js';
import type { SendOptions, Sending } from '../../domain/sending.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { Idempotency, NewOutbound, OutboundTable } from '../../infra/tables/sending/outbound.js';
import type { StoredMedia } from './check-file.js';
import type { CheckedMedia, MediaSource, MediaRequest } from './check-media.js';

export interface MessageRequest {
  readonly channel: string;
  readonly to: string;
  readonly kind: MediaKind;
  readonly media: MediaSource;
  readonly caption?: string | null | undefined;
  readonly filename?: string | null | undefined;
  /** The provider's id of the message that this one replies to. */
  readonly replyTo?: string | null | undefined;
  readonly options: SendOptions & {
    readonly fit?: boolean | undefined;
    readonly fetch?: boolean | undefined;
  };
}

export interface Caller {
  readonly access: Access;
  /** The header `Idempotency-Key`. */
  readonly key: string | null;
}

/**
 * Queues the message and returns its id. The same request with the same key returns the same id and queues
 * nothing. Throws `message.refused` with all problems, and `message.key_reused`.
 */
export type QueueMessage = (request: MessageRequest, caller: Caller) => Promise<string>;

export interface QueueMessageOptions {
  readonly channels: Channels;
  readonly providers: readonly ProviderKind[];
  readonly lookup: Pick<Lookup, 'media'>;
  readonly table: Pick<OutboundTable, 'add' | 'findByKey'>;
  readonly checkMedia: (wanted: MediaRequest) => Promise<CheckedMedia>;
  /** Whether a provider can get files from links to this service. */
  readonly linksReach: (sending: Sending) => boolean;
  readonly now: () => Date;
}

export function createQueueMessage(options: QueueMessageOptions): QueueMessage {
  return async (request, caller) => {
    const requestHash = createHash('sha256').update(canonical(request)).digest();
    const id =
      (await findQueued(options, caller, requestHash)) ??
      (await queue(options, request, { ...caller, requestHash })) ??
      // Another request with the same key was faster.
      (await findQueued(options, caller, requestHash));
    if (id === undefined)
      throw new AppError(
        'service.unavailable',
        'another request with the same Idempotency-Key is in progress; try again',
      );
    return id;
  };
}

/** Finds the message that was queued with this key before. */
async function findQueued(
  { table }: QueueMessageOptions,
  { access, key }: Caller,
  requestHash: Buffer,
): Promise<string | undefined> {
  const previous = key === null ? undefined : await table.findByKey(access.tokenId, key);
  if (previous && !previous.requestHash.equals(requestHash))
    throw new AppError('message.key_reused', 'this Idempotency-Key was used for a different message', {
      fields: [{ field: 'Idempotency-Key', message: 'was used for a different message' }],
    });
  return previous?.id;
}

/** Returns undefined if another request with the same key has queued its message in the meantime. */
async function queue(
  options: QueueMessageOptions,
  request: MessageRequest,
  { access, key, requestHash }: Caller & { readonly requestHash: Buffer },
): Promise<string | undefined> {
  const channel = seesChannel(access, request.channel) ? options.channels.active(request.channel) : undefined;
  if (!channel) throw refused([{ field: 'channel', message: 'there is no such channel' }]);
  const checked = await check(options, request, { channel, access });
  const stored = await storeMedia(checked.media);
  const idempotency: Idempotency | null = key === null ? null : { key, requestHash };
  const message: NewOutbound = {
    id: newId(),
    channel: channel.id,
    provider: channel.provider,
    kind: request.kind,
    recipient: checked.recipient,
    link: stored.link,
    type: stored.type,
    bytes: stored.bytes,
    filename: checked.filename,
    caption: request.caption ?? null,
    replyTo: request.replyTo ?? null,
    options: checked.options,
    actor: access.tokenId,
    idempotency,
  };
  return addToQueue(options, message, stored.media);
}

async function addToQueue(
  { table, now }: QueueMessageOptions,
  message: NewOutbound,
  media: StoredMedia['media'],
): Promise<string | undefined> {
  const added = await table.add(message, media, now());
  if (added.type === 'bytes gone') throw erasedMeanwhile();
  if (added.type === 'media gone')
    throw refused([{ field: 'media.id', message: 'no ready media item has this id' }]);
  return added.type === 'added' ? message.id : undefined;
}

interface Checked {
  /** The recipient as the provider's webhooks name it. */
  readonly recipient: string;
  readonly options: SendOptions;
  readonly filename: string | null;
  readonly media: CheckedMedia;
}

async function check(
  { providers, lookup, checkMedia, linksReach }: QueueMessageOptions,
  request: MessageRequest,
  { channel, access }: { channel: Channel; access: Access },
): Promise<Checked> {
  const { sending } = channel.adapter;
  if (!sending) throw refused([{ field: 'channel', message: cannotSend(channel, providers) }]);
  const { options, problems } = checkOptions(sending, request.options);
  const limits = sending.limitsFor(options);
  const { to, kind, caption = null, replyTo = null } = request;
  if (replyTo !== null) problems.push(...replyProblems(sending, { to, options, replyTo }));
  const findVisible: MediaRequest['findVisible'] = async (id) => {
    const media = await lookup.media(id);
    return media?.state === 'ready' && seesChannel(access, media.channel) ? media : undefined;
  };
  const linksAreReachable = linksReach(sending);
  const media = await checkMedia({
    ...request.options,
    source: request.media,
    kind,
    limits,
    linksAreReachable,
    findVisible,
  });
  const filename = request.filename ?? media.filename;
  problems.push(...textProblems({ to, kind, caption, filename }, limits), ...media.problems);
  if (problems.length > 0) {
    await media.discard();
    throw refused(problems);
  }
  return { recipient: sending.personOf?.(to) ?? to, options, filename, media };
}

function replyProblems(
  sending: Sending,
  reply: { readonly to: string; readonly options: SendOptions; readonly replyTo: string },
): readonly FieldError[] {
  const problem = sending.takesReply(reply.options)
    ? sending.replyProblem?.(reply)
    : 'is not accepted: this provider does not support replies';
  return problem === undefined ? [] : [{ field: 'replyTo', message: problem }];
}

/**
 * Invalid options are replaced by the defaults for the other checks, so that all problems are reported at
 * once.
 */
function checkOptions(
  sending: Sending,
  requested: SendOptions,
): { readonly options: SendOptions; readonly problems: FieldError[] } {
  const checked = sending.checkOptions(requested);
  if (checked.ok) return { options: checked.options, problems: [] };
  const defaults = sending.checkOptions({});
  return { options: defaults.ok ? defaults.options : {}, problems: [...checked.problems] };
}

function cannotSend({ provider }: Channel, providers: readonly ProviderKind[]): string {
  const groups = providers.find(({ id }) => id === provider)?.sendingNeeds ?? [];
  const needs = groups.map((names) => names.join(' and ')).join(', or ');
  return `cannot send yet: it lacks settings${needs === '' ? '' : ` (needed: ${needs})`}`;
}

async function storeMedia(media: CheckedMedia): Promise<StoredMedia> {
  try {
    return await media.store();
  } catch (error) {
    throw refused([{ field: 'media', message: aboutCallersFile(error).message }]);
  }
}

function refused(problems: readonly FieldError[]): AppError {
  return AppError.ofFields('message.refused', problems);
}

/** The same text for the same request, however its members are ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
