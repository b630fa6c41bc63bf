/** Takes a message to be sent: everything that its provider would refuse is found now, and nothing of such a one is kept. */
import { createHash } from 'node:crypto';

import { seesChannel, type Access } from '../../domain/access.js';
import type { Channel, Channels } from '../../domain/channel.js';
import { AppError, type FieldError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { refusedWords } from '../../domain/outbound.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { MediaKind } from '../../domain/provider.js';
import type { SendOptions, Sending } from '../../domain/sending.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { Idempotency, OutboundTable } from '../../infra/tables/sending/outbound.js';
import type { KeptMedia } from './check-file.js';
import { reasonOf, type LookedAt, type MediaSource, type WantedMedia } from './check-media.js';

export interface MessageRequest {
  readonly channel: string;
  readonly to: string;
  readonly kind: MediaKind;
  readonly media: MediaSource;
  readonly caption?: string | null | undefined;
  readonly filename?: string | null | undefined;
  /** The provider's id of the message that is answered. */
  readonly replyTo?: string | null | undefined;
  readonly options: SendOptions & {
    readonly fit?: boolean | undefined;
    readonly fetch?: boolean | undefined;
  };
}

export interface Asker {
  readonly access: Access;
  /** `Idempotency-Key`. */
  readonly key: string | null;
}

/**
 * Queues the message and answers its id. The same request with the same key answers the same id, and queues nothing.
 * Throws `message.refused` with everything that is wrong, and `message.key_reused`.
 */
export type QueueMessage = (request: MessageRequest, asker: Asker) => Promise<string>;

export interface QueueMessageOptions {
  readonly channels: Channels;
  readonly kinds: readonly ProviderKind[];
  readonly lookup: Pick<Lookup, 'media'>;
  readonly table: Pick<OutboundTable, 'add' | 'findByKey'>;
  readonly lookAt: (wanted: WantedMedia) => Promise<LookedAt>;
  readonly now: () => Date;
}

export function createQueueMessage(options: QueueMessageOptions): QueueMessage {
  const { channels, table, now } = options;

  /** The message that this key has made before. */
  const known = async ({ access, key }: Asker, requestHash: Buffer): Promise<string | undefined> => {
    const before = key === null ? undefined : await table.findByKey(access.tokenId, key);
    if (before && !before.requestHash.equals(requestHash))
      throw new AppError('message.key_reused', 'another message was asked for with this Idempotency-Key', {
        fields: [{ field: 'Idempotency-Key', message: 'was used for another message' }],
      });
    return before?.id;
  };

  const queue = async (
    request: MessageRequest,
    { access, key }: Asker,
    requestHash: Buffer,
  ): Promise<string | undefined> => {
    const channel = seesChannel(access, request.channel) ? channels.find(request.channel) : undefined;
    if (!channel) throw refused([{ field: 'channel', message: 'there is no such channel' }]);
    const checked = await check(options, request, { channel, access });
    const kept = await keep(checked.media);
    const id = newId();
    const idempotency: Idempotency | null = key === null ? null : { key, requestHash };
    const { caption = null, replyTo = null } = request;
    const added = await table.add(
      {
        id,
        channel: channel.id,
        provider: channel.provider,
        kind: request.kind,
        recipient: checked.recipient,
        link: kept.link,
        type: kept.type,
        bytes: kept.bytes,
        filename: checked.filename,
        caption,
        replyTo,
        options: checked.options,
        actor: access.tokenId,
        idempotency,
      },
      kept.media,
      now(),
    );
    if (added.type === 'bytes gone')
      throw new AppError('service.unavailable', 'the same bytes were being erased; send them again');
    if (added.type === 'media gone')
      throw refused([{ field: 'media.id', message: 'there is no such media, or it is not ready' }]);
    return added.type === 'added' ? id : undefined;
  };

  return async (request, asker) => {
    const requestHash = createHash('sha256').update(canonical(request)).digest();
    const id =
      (await known(asker, requestHash)) ??
      (await queue(request, asker, requestHash)) ??
      // Another request with the key was faster.
      (await known(asker, requestHash));
    if (id === undefined)
      throw new AppError('service.unavailable', 'the same key was used at the same time; try again');
    return id;
  };
}

interface Checked {
  /** As webhooks name it. */
  readonly recipient: string;
  readonly options: SendOptions;
  readonly filename: string | null;
  readonly media: LookedAt;
}

async function check(
  { kinds, lookup, lookAt }: QueueMessageOptions,
  request: MessageRequest,
  { channel, access }: { channel: Channel; access: Access },
): Promise<Checked> {
  const { sending } = channel.adapter;
  if (!sending) throw refused([{ field: 'channel', message: cannotSend(channel, kinds) }]);
  const { options, problems } = checkOptions(sending, request.options);
  const limits = sending.limitsFor(options);
  const { to, kind, caption = null, replyTo = null } = request;
  if (replyTo !== null && !sending.takesReply(options))
    problems.push({ field: 'replyTo', message: 'is not taken: this provider knows no replies' });
  const find: WantedMedia['find'] = async (id) => {
    const media = await lookup.media(id);
    return media?.state === 'ready' && seesChannel(access, media.channel) ? media : undefined;
  };
  const media = await lookAt({ ...request.options, source: request.media, kind, limits, find });
  const filename = request.filename ?? media.filename;
  problems.push(...refusedWords({ to, kind, caption, filename }, limits), ...media.problems);
  if (problems.length > 0) {
    await media.discard();
    throw refused(problems);
  }
  return { recipient: sending.personOf?.(to) ?? to, options, filename, media };
}

/** Where the options are wrong, the rest is checked as if there were none, so that all problems are told at once. */
function checkOptions(
  sending: Sending,
  given: SendOptions,
): { readonly options: SendOptions; readonly problems: FieldError[] } {
  const checked = sending.checkOptions(given);
  if (checked.ok) return { options: checked.options, problems: [] };
  const usual = sending.checkOptions({});
  return { options: usual.ok ? usual.options : {}, problems: [...checked.problems] };
}

function cannotSend({ provider }: Channel, kinds: readonly ProviderKind[]): string {
  const groups = kinds.find(({ id }) => id === provider)?.sendingNeeds ?? [];
  const needs = groups.map((names) => names.join(' and ')).join(', or ');
  return `cannot send yet: it lacks settings${needs === '' ? '' : ` (needed: ${needs})`}`;
}

async function keep(media: LookedAt): Promise<KeptMedia> {
  try {
    return await media.keep();
  } catch (error) {
    throw refused([{ field: 'media', message: reasonOf(error) }]);
  }
}

function refused(problems: readonly FieldError[]): AppError {
  const detail = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new AppError('message.refused', detail, { fields: problems });
}

/** The same text for the same request, however its members are ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
