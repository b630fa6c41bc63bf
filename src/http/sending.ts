/** Sending: messages that are asked for here, what became of them, and what may be sent. */
import express, { Router, type Request, type RequestHandler, type Response } from 'express';

import { seesChannel, visibleChannels } from '../domain/access.js';
import type { Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { ProviderKind } from '../domain/provider-kind.js';
import type { Audit } from '../infra/audit.js';
import type { Lookup } from '../infra/lookup.js';
import type { OutboundRecord, OutboundTable } from '../infra/outbound-table.js';
import type { Tokens } from '../infra/tokens.js';
import type { QueueMessage } from '../pipeline/queue-message.js';
import { parseInput, queryOf, toPage, uuidParameter } from './input.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { outboundView } from './outbound-view.js';
import { idempotencyKey, newMessage, outboundQuery } from './sending-api.js';
import type { OutboundView } from './shapes/outbound.js';

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
  readonly limit: RequestHandler;
}

export function sendingRoutes(services: SendingServices, { maxBodyBytes, limit }: SendingOptions): Router {
  const { outbound, lookup, channels, providers } = services;
  const router = Router();
  const [reader, sender, admin] = (['media:read', 'messages:send', 'admin'] as const).map((scope) => [
    authenticate(services.tokens, scope),
    limit,
  ]) as [RequestHandler[], RequestHandler[], RequestHandler[]];

  const viewsOf = async (records: readonly OutboundRecord[]): Promise<OutboundView[]> => {
    const found = await lookup.mediaByIds(records.flatMap(({ mediaId }) => mediaId ?? []));
    const media = new Map(found.map((one) => [one.id, one]));
    return records.map((record) => outboundView(record, media.get(record.mediaId ?? '') ?? null));
  };
  const answer = async (response: Response, record: OutboundRecord): Promise<void> => {
    response.json((await viewsOf([record]))[0]);
  };

  router.post(
    '/v1/messages',
    sender,
    // Behind the token: whoever has none makes nobody read so much.
    express.json({ limit: maxBodyBytes }),
    async (request: Request, response: Response) => {
      const wanted = parseInput(newMessage, request.body);
      const id = await services.queueMessage(wanted, { access: accessOf(response), key: keyOf(request) });
      const record = await outbound.find(id);
      if (!record) throw new Error('a message is gone right after it was queued');
      response.status(202).location(`/v1/messages/${id}`);
      await answer(response, record);
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
    if (!(await outbound.sendAgain(id, services.now())))
      throw new AppError('message.not_resendable', `a message that is ${state} cannot be sent again`);
    const { tokenId: actor } = accessOf(response);
    await services.audit.record({ actor, action: 'message.retry', channel, target: id });
    response.status(202);
    await answer(response, await findVisible(services, request, response));
  });

  router.get('/v1/channels/:id/limits', sender, (request: Request, response: Response) => {
    const id = String(request.params['id']);
    const channel = seesChannel(accessOf(response), id) ? channels.known(id) : undefined;
    if (!channel) throw new AppError('channel.not_found', 'there is no such channel');
    const kind = providers.find((candidate) => candidate.id === channel.provider);
    const { sending } = channel.adapter;
    const body: unknown = {
      ...{ channel: id, provider: channel.provider, sends: sending !== undefined },
      ...{ needs: kind?.sendingNeeds ?? [], limits: sending?.limits ?? {}, options: kind?.sendOptions ?? {} },
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
