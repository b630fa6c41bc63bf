/** Sending: messages that are asked for here, what became of them, and what may be sent. */
import { Router, type Request, type Response } from 'express';

import { seesChannel, visibleChannels } from '../../domain/access.js';
import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { OutboundRecord, OutboundTable } from '../../infra/tables/sending/outbound.js';
import type { QueueMessage } from '../../pipeline/send/queue-message.js';
import type { Tokens } from '../../pipeline/tokens.js';
import { parseInput, queryOf, toPage, uuidParameter } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { jsonBody } from '../middleware/json-body.js';
import type { LoadLimits } from '../middleware/load-limits.js';
import type { OutboundView } from '../shapes/outbound.js';
import { outboundView, queuedView } from '../views/outbound.js';
import { idempotencyKey, limitsParams, newMessage, outboundQuery } from './api.js';

export interface SendingServices {
  readonly audit: Pick<Audit, 'record'>;
  readonly channels: Channels;
  readonly lookup: Lookup;
  readonly outbound: OutboundTable;
  readonly providers: readonly ProviderKind[];
  readonly queueMessage: QueueMessage;
  readonly tokens: Tokens;
  readonly now: () => Date;
}

export interface SendingOptions {
  /** Of a request that brings its media with it. */
  readonly maxBodyBytes: number;
  readonly limits: Pick<LoadLimits, 'query' | 'upload'>;
}

export function sendingRoutes(services: SendingServices, { maxBodyBytes, limits }: SendingOptions): Router {
  const { outbound, lookup, channels, providers } = services;
  const router = Router();
  const reader = [authenticate(services.tokens, 'media:read'), limits.query];
  const sender = [authenticate(services.tokens, 'messages:send'), limits.query];
  const admin = [authenticate(services.tokens, 'admin'), limits.query];
  const mediaSender = [authenticate(services.tokens, 'messages:send'), limits.upload];

  const viewsOf = async (records: readonly OutboundRecord[]): Promise<OutboundView[]> => {
    const found = await lookup.mediaByIds(records.flatMap(({ mediaId }) => mediaId ?? []));
    const media = new Map(found.map((one) => [one.id, one]));
    return records.map((record) => outboundView(record, media.get(record.mediaId ?? '') ?? null));
  };
  const viewOf = async (record: OutboundRecord): Promise<OutboundView> => {
    const [view] = await viewsOf([record]);
    if (!view) throw new Error('a record has no view');
    return view;
  };
  const answer = async (response: Response, record: OutboundRecord): Promise<void> => {
    response.json(await viewOf(record));
  };

  router.post(
    '/v1/messages',
    mediaSender,
    // Behind the token: a caller without one must not make the service read so much.
    jsonBody(maxBodyBytes),
    async (request: Request, response: Response) => {
      const wanted = parseInput(newMessage, request.body);
      const id = await services.queueMessage(wanted, { access: accessOf(response), key: keyOf(request) });
      const record = await outbound.find(id);
      if (!record) throw new Error('a message is gone right after it was queued');
      response.status(202).location(`/v1/messages/${id}`);
      const { filename } = wanted;
      response.json(queuedView(await viewOf(record), { access: accessOf(response), filename }));
    },
  );

  router.get('/v1/messages', reader, async (request: Request, response: Response) => {
    const { limit: size, cursor: after, channel, ...rest } = parseInput(outboundQuery, queryOf(request));
    const filter = { ...rest, channels: visibleChannels(accessOf(response), channel) };
    const records = await outbound.list(filter, { limit: size + 1, after });
    response.json(toPage(await viewsOf(records), size, (view) => view));
  });

  router.get('/v1/messages/:id', reader, async (request: Request, response: Response) => {
    await answer(response, await findVisible(services, request, response));
  });

  router.post('/v1/messages/:id/retry', admin, async (request: Request, response: Response) => {
    const { id, channel, state } = await findVisible(services, request, response);
    const entry = { actor: accessOf(response).tokenId, action: 'message.retry', channel, target: id };
    const isDone = await outbound.sendAgain(id, services.now(), (connection) =>
      services.audit.record(entry, connection),
    );
    if (!isDone)
      throw new AppError('message.not_resendable', `a message that is ${state} cannot be sent again`);
    response.status(202);
    await answer(response, await findVisible(services, request, response));
  });

  router.get('/v1/channels/:id/limits', sender, (request: Request, response: Response) => {
    const { id } = parseInput(limitsParams, request.params);
    const channel = seesChannel(accessOf(response), id) ? channels.any(id) : undefined;
    if (!channel) throw new AppError('channel.not_found', 'there is no such channel');
    const kind = providers.find((candidate) => candidate.id === channel.provider);
    const { sending } = channel.adapter;
    const body: unknown = {
      channel: id,
      provider: channel.provider,
      sends: sending !== undefined,
      needs: kind?.sendingNeeds ?? [],
      limits: sending?.limits ?? {},
      options: kind?.sendOptions ?? {},
    };
    response.json(body);
  });

  router.all('/v1/messages', allowOnly('GET, HEAD, POST'));
  router.all('/v1/messages/:id', allowOnly('GET, HEAD'));
  router.all('/v1/messages/:id/retry', allowOnly('POST'));
  router.all('/v1/channels/:id/limits', allowOnly('GET, HEAD'));
  return router;
}

/** One of a channel that the token does not know does not exist. */
async function findVisible(
  { outbound }: SendingServices,
  request: Request,
  response: Response,
): Promise<OutboundRecord> {
  const id = uuidParameter(request, 'id');
  const record = id === undefined ? undefined : await outbound.find(id);
  if (!record || !seesChannel(accessOf(response), record.channel))
    throw new AppError('message.not_found', 'there is no such message');
  return record;
}

function keyOf(request: Request): string | null {
  const given = request.get('Idempotency-Key');
  if (given === undefined) return null;
  const parsed = idempotencyKey.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = 'has 1 to 255 printable ASCII characters';
  throw new AppError('request.invalid', `Idempotency-Key: ${message}`, {
    fields: [{ field: 'Idempotency-Key', message }],
  });
}
