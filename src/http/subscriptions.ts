/** `/v1/subscriptions`: URLs that want to be told of events. */
import { randomBytes } from 'node:crypto';

import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel, type Access } from '../domain/access.js';
import { AppError } from '../domain/errors.js';
import { eventTypes } from '../domain/event.js';
import type { Audit } from '../infra/audit.js';
import type { EventLog } from '../infra/event-log.js';
import type { GuardedPost } from '../infra/guarded-post.js';
import type { NotificationDelivery, Subscription, SubscriptionTable } from '../infra/subscription-table.js';
import type { Tokens } from '../infra/tokens.js';
import type { Attempt } from '../pipeline/notify.js';
import type { ApiRoute } from './api-route.js';
import { sampleEvent } from './event-view.js';
import { parseInput, queryOf, searchText, uuidParameter } from './input.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import {
  notificationDelivery,
  sampleResult,
  subscription as subscriptionShape,
  subscriptionWithSecret,
  type NotificationDeliveryView,
  type SubscriptionView,
} from './shapes/event.js';
import { listOf } from './shapes/page.js';

export interface SubscriptionServices {
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly events: EventLog;
  readonly subscriptions: SubscriptionTable;
  readonly post: GuardedPost;
  /** Posts a signed message, once. */
  readonly postSigned: (call: {
    readonly url: string;
    readonly secret: string;
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
const path = z.object({ id: z.uuid() });

const scope = 'admin';
const errors = ['subscription.not_found'] as const;
export const subscriptionApi: readonly ApiRoute[] = [
  {
    ...{ method: 'get', path: '/v1/subscriptions', scope, summary: 'All subscriptions' },
    answers: { 200: { description: 'The newest first', schema: listOf(subscriptionShape) } },
  },
  {
    ...{ method: 'post', path: '/v1/subscriptions', scope, summary: 'Have events posted to a URL' },
    description:
      'Signed as in the Standard Webhooks specification. Any answer of 2xx takes the event; others are retried for 3 days, then the subscription is disabled. 410 disables it at once.',
    body: newSubscription,
    answers: { 201: { description: 'The secret is shown this once', schema: subscriptionWithSecret } },
  },
  {
    ...{
      method: 'get',
      path: '/v1/subscriptions/{id}',
      scope,
      summary: 'One subscription',
      params: path,
      errors,
    },
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  {
    ...{
      method: 'patch',
      path: '/v1/subscriptions/{id}',
      scope,
      summary: 'Change a subscription, or take it up again',
    },
    ...{ params: path, body: subscriptionChange, errors },
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  {
    ...{
      method: 'delete',
      path: '/v1/subscriptions/{id}',
      scope,
      summary: 'End a subscription',
      params: path,
      errors,
    },
    answers: { 204: { description: 'It is gone' } },
  },
  {
    ...{ method: 'post', path: '/v1/subscriptions/{id}/test', scope, summary: 'Post a sample now' },
    ...{ params: path, errors },
    answers: { 200: { description: 'What became of it', schema: sampleResult } },
  },
  {
    ...{
      method: 'get',
      path: '/v1/subscriptions/{id}/deliveries',
      scope,
      summary: 'What was posted, and what came of it',
    },
    ...{ params: path, query: historyQuery, errors },
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
  const record = (response: Response, action: string, target: string): Promise<void> =>
    audit.record({ actor: accessOf(response).tokenId, action: `subscription.${action}`, target });

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
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const created = await subscriptions.create({ ...settings, channels: wanted }, secret, services.now());
    await record(response, 'create', created.id);
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
    await subscriptions.update(id, settings);
    if (enabled === true) await subscriptions.enable(id);
    if (enabled === false) await subscriptions.disable(id, 'disabled by hand', services.now());
    await record(response, 'update', id);
    response.json(subscriptionView(await find(request, response)));
  });

  router.delete('/v1/subscriptions/:id', admin, async (request: Request, response: Response) => {
    const { id } = await find(request, response);
    await subscriptions.remove(id);
    await record(response, 'delete', id);
    response.status(204).end();
  });

  router.post('/v1/subscriptions/:id/test', admin, async (request: Request, response: Response) => {
    const { id, url } = await find(request, response);
    const now = services.now();
    const message = { id: `test_${randomBytes(12).toString('hex')}`, body: JSON.stringify(sampleEvent(now)) };
    const { delivered, status, error } = await services.postSigned({
      ...{ url, message },
      secret: await subscriptions.secretOf(id),
    });
    response.json({ delivered, status, error });
  });

  router.get('/v1/subscriptions/:id/deliveries', admin, async (request: Request, response: Response) => {
    const { id } = await find(request, response);
    const { limit: size } = parseInput(historyQuery, queryOf(request));
    response.json({ items: (await subscriptions.history(id, size)).map(deliveryView) });
  });

  router.all('/v1/subscriptions', allowOnly('GET, HEAD, POST'));
  router.all('/v1/subscriptions/:id', allowOnly('DELETE, GET, HEAD, PATCH'));
  router.all('/v1/subscriptions/:id/test', allowOnly('POST'));
  router.all('/v1/subscriptions/:id/deliveries', allowOnly('GET, HEAD'));
  return router;
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

function subscriptionView(subscription: Subscription): SubscriptionView {
  const { id, url, description, types, channels, lastError, disabledReason } = subscription;
  const { createdAt, lastDeliveredAt, failingSince, disabledAt } = subscription;
  return {
    ...{ id, url, description, types: [...types], channels: [...channels] },
    createdAt: createdAt.toISOString(),
    state: disabledAt ? 'disabled' : failingSince ? 'failing' : 'active',
    lastDeliveredAt: lastDeliveredAt?.toISOString() ?? null,
    failingSince: failingSince?.toISOString() ?? null,
    lastError,
    disabledAt: disabledAt?.toISOString() ?? null,
    disabledReason,
  };
}

function deliveryView(delivery: NotificationDelivery): NotificationDeliveryView {
  const { id, createdAt, attempts, settledAt, delivered, lastStatus, lastError } = delivery;
  return {
    ...{ id, attempts, lastStatus, lastError, createdAt: createdAt.toISOString() },
    state: settledAt === null ? 'waiting' : delivered ? 'delivered' : 'given up',
    settledAt: settledAt?.toISOString() ?? null,
  };
}
