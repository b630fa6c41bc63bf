/** `/v1/subscriptions`: URLs that want to be told of events. */
import { randomBytes } from 'node:crypto';

import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { eventTypes } from '../../domain/event.js';
import type { GuardedPost } from '../../infra/net/guarded-post.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { EventLog } from '../../infra/tables/events/log.js';
import type { Subscription, SubscriptionTable } from '../../infra/tables/events/subscriptions.js';
import type { Attempt } from '../../pipeline/notify.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { moment, parseInput, queryOf, searchText, uuidParameter } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import {
  notificationDelivery,
  resendResult,
  sampleResult,
  subscription as subscriptionShape,
  subscriptionWithSecret,
} from '../shapes/event.js';
import { listOf } from '../shapes/page.js';
import { sampleEvent } from '../views/event.js';
import { deliveryView, subscriptionView } from '../views/subscription.js';

export interface SubscriptionServices {
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly events: EventLog;
  readonly subscriptions: SubscriptionTable;
  readonly post: GuardedPost;
  /** Posts a signed message, once. */
  readonly postSigned: (call: {
    readonly url: string;
    readonly secrets: readonly string[];
    readonly message: { readonly id: string; readonly body: string };
  }) => Promise<Attempt>;
  readonly now: () => Date;
}

const url = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).max(2_048);
const description = searchText(255).nullable();
const types = z.array(z.enum(eventTypes)).max(eventTypes.length);
const channels = z.array(searchText(255)).max(200);

export const newSubscription = z.strictObject({
  url,
  description: description.default(null),
  types: types.default([]).meta({ description: 'Empty: all' }),
  channels: channels.default([]).meta({ description: 'Empty: all that the token sees' }),
});
export const subscriptionChange = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  types: types.optional(),
  channels: channels.optional(),
  enabled: z.boolean().optional(),
});
export const historyQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });
/** Long enough for a receiver that is changed by hand, on the next working day. */
const standardOverlapSeconds = 86_400;
export const rotation = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(standardOverlapSeconds)
    .meta({ description: 'How long the secret before signs, too' }),
});
export const resending = z
  .strictObject({
    event: z
      .string()
      .regex(/^evt_\d{1,18}$/, 'is not the id of an event: evt_...')
      .optional(),
    from: moment.optional(),
    until: moment.optional().meta({ description: 'Exclusive; now, when not given' }),
  })
  .refine(({ event, from, until }) => (event === undefined) === (from !== undefined) && !(event && until), {
    error: 'name either one event, or the time from which on',
  });
const path = z.object({ id: z.uuid() });

const scope = 'admin';
const errors = ['subscription.not_found'] as const;
export const subscriptionApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/subscriptions',
    scope,
    summary: 'List subscriptions',
    answers: { 200: { description: 'The newest first', schema: listOf(subscriptionShape) } },
  },
  {
    method: 'post',
    path: '/v1/subscriptions',
    scope,
    summary: 'Create a subscription: events are posted to a URL',
    description:
      'Signed as in the Standard Webhooks specification. Any answer of 2xx takes the event. An event that is refused is retried with growing pauses for 3 days while others go on, so their order is not certain. A receiver that does not work is tried by one event at a time; after 3 days without a success the subscription is disabled. 410 disables it at once.',
    body: newSubscription,
    answers: { 201: { description: 'The secret is shown this once', schema: subscriptionWithSecret } },
  },
  {
    method: 'get',
    path: '/v1/subscriptions/{id}',
    scope,
    summary: 'Get a subscription',
    params: path,
    errors,
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  {
    method: 'patch',
    path: '/v1/subscriptions/{id}',
    scope,
    summary: 'Change, enable or disable a subscription',
    params: path,
    body: subscriptionChange,
    errors,
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  {
    method: 'delete',
    path: '/v1/subscriptions/{id}',
    scope,
    summary: 'Delete a subscription',
    params: path,
    errors,
    answers: { 204: { description: 'It is gone' } },
  },
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/test',
    scope,
    summary: 'Post a test event now',
    params: path,
    errors: [...errors, 'subscription.unreadable'],
    answers: { 200: { description: 'What became of it', schema: sampleResult } },
  },
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/rotate',
    scope,
    summary: 'Generate a new signing secret',
    description:
      'For a day, or as long as `overlapSeconds` says, calls carry signatures of both secrets: the new one first, then the one before. 0 ends the one before at once.',
    params: path,
    body: rotation,
    errors,
    answers: { 200: { description: 'The secret is shown this once', schema: subscriptionWithSecret } },
  },
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/resend',
    scope,
    summary: 'Post events again',
    description:
      'One event (`{"event":"evt_..."}`), or those of a time (`{"from","until"}`), of those that the subscription asks for and that are kept (7 days). At most 10 000 at once: `next` says where to go on. They keep their `webhook-id`.',
    params: path,
    body: resending,
    errors: [...errors, 'event.not_found', 'subscription.disabled', 'subscription.unreadable'],
    answers: { 202: { description: 'They are on their way', schema: resendResult } },
  },
  {
    method: 'get',
    path: '/v1/subscriptions/{id}/deliveries',
    scope,
    summary: 'List posted events with their attempts',
    params: path,
    query: historyQuery,
    errors,
    answers: { 200: { description: 'The newest first', schema: listOf(notificationDelivery) } },
  },
];

export function subscriptionRoutes(services: SubscriptionServices, limit: RequestHandler): Router {
  const router = Router();
  const admin = [authenticate(services.tokens, 'admin'), limit];
  const { subscriptions, audit } = services;

  const find = async (request: Request, response: Response): Promise<Subscription> => {
    const id = uuidParameter(request, 'id');
    const found = id === undefined ? undefined : await subscriptions.find(id);
    if (found && sees(accessOf(response), found.channels)) return found;
    throw new AppError('subscription.not_found', 'there is no such subscription');
  };
  /** The entry of a change, for its transaction. */
  const entering =
    (response: Response, action: string, target: string): Together =>
    (connection) =>
      audit.record(
        { actor: accessOf(response).tokenId, action: `subscription.${action}`, target },
        connection,
      );

  router.get('/v1/subscriptions', admin, async (_: Request, response: Response) => {
    const access = accessOf(response);
    const visible = (await subscriptions.list()).filter((one) => sees(access, one.channels));
    response.json({ items: visible.map(subscriptionView) });
  });

  router.post('/v1/subscriptions', admin, async (request: Request, response: Response) => {
    const access = accessOf(response);
    const { channels: asked, ...settings } = parseInput(newSubscription, request.body ?? {});
    // A token that knows some channels only subscribes to those.
    const wanted = asked.length === 0 ? [...(access.channels ?? [])] : asked;
    checkChannels(access, wanted);
    await checkUrl(services.post, settings.url);
    const secret = newSecret();
    const created = await subscriptions.create(
      { settings: { ...settings, channels: wanted }, secret, now: services.now() },
      (id) => entering(response, 'create', id),
    );
    response
      .status(201)
      .location(`/v1/subscriptions/${created.id}`)
      .json({ ...subscriptionView(created), secret });
  });

  router.get('/v1/subscriptions/:id', admin, async (request: Request, response: Response) => {
    response.json(subscriptionView(await find(request, response)));
  });

  router.patch('/v1/subscriptions/:id', admin, async (request: Request, response: Response) => {
    const { id } = await find(request, response);
    const { enabled, ...settings } = parseInput(subscriptionChange, request.body ?? {});
    if (settings.channels) checkChannels(accessOf(response), settings.channels);
    if (settings.url !== undefined) await checkUrl(services.post, settings.url);
    const disabled = enabled === true ? null : { reason: 'disabled by hand', at: services.now() };
    const change = enabled === undefined ? settings : { ...settings, disabled };
    await subscriptions.update(id, change, entering(response, 'update', id));
    response.json(subscriptionView(await find(request, response)));
  });

  router.delete('/v1/subscriptions/:id', admin, async (request: Request, response: Response) => {
    const { id } = await find(request, response);
    await subscriptions.remove(id, entering(response, 'delete', id));
    response.status(204).end();
  });

  router.post('/v1/subscriptions/:id/test', admin, async (request: Request, response: Response) => {
    const { id, url } = await find(request, response);
    const now = services.now();
    const message = { id: `test_${randomBytes(12).toString('hex')}`, body: JSON.stringify(sampleEvent(now)) };
    const secrets = await subscriptions.secretsOf(id, now);
    const { delivered, status, error } = await services.postSigned({ url, message, secrets });
    response.json({ delivered, status, error });
  });

  router.post('/v1/subscriptions/:id/rotate', admin, async (request: Request, response: Response) => {
    const { id, problem } = await find(request, response);
    const { overlapSeconds } = parseInput(rotation, request.body ?? {});
    // A secret that cannot be opened signs nothing any more.
    const overlaps = problem === null && overlapSeconds > 0;
    const overlapUntil = overlaps ? new Date(services.now().getTime() + overlapSeconds * 1_000) : null;
    const secret = newSecret();
    await subscriptions.rotate(id, { secret, overlapUntil }, entering(response, 'rotate', id));
    response.json({ ...subscriptionView(await find(request, response)), secret });
  });

  router.post('/v1/subscriptions/:id/resend', admin, async (request: Request, response: Response) => {
    const { id, problem, disabledAt } = await find(request, response);
    const { event, from, until } = parseInput(resending, request.body ?? {});
    if (disabledAt) throw new AppError('subscription.disabled', 'it is disabled: enable it first');
    if (problem !== null) throw new AppError('subscription.unreadable', problem);
    const resent = await subscriptions.resend(
      id,
      from === undefined
        ? { notificationId: String(event).replace('evt_', '') }
        : { from, until: until ?? null },
      entering(response, 'resend', id),
    );
    response.status(202).json({ count: resent.count, next: resent.next?.toISOString() ?? null });
  });

  router.get('/v1/subscriptions/:id/deliveries', admin, async (request: Request, response: Response) => {
    const { id } = await find(request, response);
    const { limit: size } = parseInput(historyQuery, queryOf(request));
    const deliveries = await subscriptions.history(id, size);
    const events = await services.events.byIds(deliveries.map(({ notificationId }) => notificationId));
    const access = accessOf(response);
    response.json({
      items: deliveries.map((delivery) => {
        const event = events.get(delivery.notificationId);
        // It may have been subscribed to more channels before.
        return deliveryView(delivery, event && seesChannel(access, event.channel) ? event : undefined);
      }),
    });
  });

  router.all('/v1/subscriptions', allowOnly('GET, HEAD, POST'));
  router.all('/v1/subscriptions/:id', allowOnly('DELETE, GET, HEAD, PATCH'));
  for (const action of ['test', 'rotate', 'resend'])
    router.all(`/v1/subscriptions/:id/${action}`, allowOnly('POST'));
  router.all('/v1/subscriptions/:id/deliveries', allowOnly('GET, HEAD'));
  return router;
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** A subscription to all channels is seen by those who see all. */
function sees(access: Access, channels: readonly string[]): boolean {
  if (access.channels === null) return true;
  return channels.length > 0 && channels.every((channel) => seesChannel(access, channel));
}

function checkChannels(access: Access, channels: readonly string[]): void {
  if (!sees(access, channels)) throw invalid('channels', 'this token does not know all of them');
}

async function checkUrl(post: GuardedPost, url: string): Promise<void> {
  try {
    await post.check(url);
  } catch (error) {
    if (error instanceof AppError) throw invalid('url', error.message, error);
    throw error;
  }
}

function invalid(field: string, message: string, cause?: unknown): AppError {
  return new AppError('request.invalid', `${field}: ${message}`, { cause, fields: [{ field, message }] });
}
