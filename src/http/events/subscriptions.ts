/** `/v1/subscriptions`: URLs to which events are posted. */
import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { eventTypes } from '../../domain/event.js';
import type { GuardedPost } from '../../infra/net/guarded-post.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Audit } from '../../infra/tables/audit.js';
import { disabledByHand } from '../../infra/tables/events/subscription.js';
import type { Subscription, SubscriptionTable } from '../../infra/tables/events/subscriptions.js';
import { byId, moment, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
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

type ReadServices = Pick<RouteServices, 'subscriptions'>;
type ChangeServices = Pick<RouteServices, 'audit' | 'subscriptions'>;

const url = z
  .url({ protocol: /^https?$/, error: 'is not a URL that begins with https:// or http://' })
  .max(2_048);
const description = searchText(255).nullable();
const types = z.array(z.enum(eventTypes)).max(eventTypes.length);
const channels = z.array(searchText(255)).max(200);

const newSubscription = z.strictObject({
  url,
  description: description.default(null),
  types: types.default([]).meta({ description: 'All types if empty' }),
  channels: channels.default([]).meta({ description: 'All channels of the token if empty' }),
});
const subscriptionChange = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  types: types.optional(),
  channels: channels.optional(),
  enabled: z.boolean().optional(),
});
const historyQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });
/** Long enough for an operator who updates the receiver by hand on the next day. */
const defaultOverlapSeconds = 86_400;
const rotation = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(defaultOverlapSeconds)
    .meta({ description: 'How long the previous secret also signs, in seconds' }),
});
const resending = z
  .strictObject({
    event: z
      .string()
      .regex(/^evt_\d{1,18}$/, 'is not the id of an event, such as evt_4711')
      .optional(),
    from: moment.optional(),
    until: moment.optional().meta({ description: 'Exclusive; now by default' }),
  })
  .refine(({ event, from, until }) => (event === undefined) === (from !== undefined) && !(event && until), {
    error: 'needs either `event`, or `from` with an optional `until`',
  });

const scope = 'admin';
const errors = ['subscription.not_found'] as const;

export const listSubscriptions = route(
  {
    method: 'get',
    path: '/v1/subscriptions',
    scope,
    operationId: 'listSubscriptions',
    summary: 'List subscriptions',
    answers: { 200: { description: 'A list, newest first', schema: listOf(subscriptionShape) } },
  },
  ({ subscriptions }: ReadServices) =>
    async ({ access }) => {
      const visible = (await subscriptions.list()).filter((one) => sees(access, one.channels));
      return { items: visible.map(subscriptionView) };
    },
);

export const createSubscription = route(
  {
    method: 'post',
    path: '/v1/subscriptions',
    scope,
    operationId: 'createSubscription',
    summary: 'Create a subscription: events are posted to a URL',
    description:
      'Posts are signed as in the Standard Webhooks specification. The receiver accepts an event with any 2xx status. A refused event is retried with growing delays for 3 days while other events continue, so their order is not guaranteed. A receiver that is down is tested with one event at a time; after 3 days without success, the subscription is disabled. The status 410 disables it immediately.',
    body: newSubscription,
    answers: {
      201: {
        description: 'The subscription; only this answer shows the secret',
        schema: subscriptionWithSecret,
        hasLocation: true,
      },
    },
  },
  (services: ChangeServices & Pick<RouteServices, 'guardedPost' | 'now'>) =>
    async ({ body, access }) => {
      const { channels: requested, ...settings } = body;
      // A token that is limited to channels subscribes to those by default.
      const own = requested.length === 0 ? [...(access.channels ?? [])] : requested;
      checkChannels(access, own);
      await checkUrl(services.guardedPost, settings.url);
      const secret = newSecret();
      const created = await services.subscriptions.create(
        { settings: { ...settings, channels: own }, secret, now: services.now() },
        (id) => auditEntry(services.audit, access, { action: 'create', target: id }),
      );
      return { ...subscriptionView(created), secret };
    },
);

export const getSubscription = route(
  {
    method: 'get',
    path: '/v1/subscriptions/{id}',
    scope,
    operationId: 'getSubscription',
    summary: 'Get a subscription',
    params: byId,
    notFound: noSuchSubscription,
    errors,
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  ({ subscriptions }: ReadServices) =>
    async ({ params, access }) =>
      subscriptionView(await find(subscriptions, params.id, access)),
);

export const changeSubscription = route(
  {
    method: 'patch',
    path: '/v1/subscriptions/{id}',
    scope,
    operationId: 'changeSubscription',
    summary: 'Change, enable or disable a subscription',
    params: byId,
    notFound: noSuchSubscription,
    body: subscriptionChange,
    bodyOptional: true,
    errors,
    answers: { 200: { description: 'The subscription', schema: subscriptionShape } },
  },
  (services: ChangeServices & Pick<RouteServices, 'guardedPost' | 'now'>) =>
    async ({ params, body, access }) => {
      const { subscriptions, audit } = services;
      const { id } = await find(subscriptions, params.id, access);
      const { enabled, ...settings } = body;
      if (settings.channels) checkChannels(access, settings.channels);
      if (settings.url !== undefined) await checkUrl(services.guardedPost, settings.url);
      const disabled = enabled === true ? null : { reason: disabledByHand, at: services.now() };
      const change = enabled === undefined ? settings : { ...settings, disabled };
      await subscriptions.update(id, change, auditEntry(audit, access, { action: 'update', target: id }));
      return subscriptionView(await find(subscriptions, id, access));
    },
);

export const deleteSubscription = route(
  {
    method: 'delete',
    path: '/v1/subscriptions/{id}',
    scope,
    operationId: 'deleteSubscription',
    summary: 'Delete a subscription',
    params: byId,
    notFound: noSuchSubscription,
    errors,
    answers: { 204: { description: 'The subscription was deleted' } },
  },
  ({ subscriptions, audit }: ChangeServices) =>
    async ({ params, access }) => {
      const { id } = await find(subscriptions, params.id, access);
      await subscriptions.remove(id, auditEntry(audit, access, { action: 'delete', target: id }));
      return undefined;
    },
);

export const testSubscription = route(
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/test',
    scope,
    operationId: 'testSubscription',
    summary: 'Post a test event now',
    params: byId,
    notFound: noSuchSubscription,
    errors: [...errors, 'subscription.unreadable'],
    answers: { 200: { description: 'The result of the post', schema: sampleResult } },
  },
  (services: ReadServices & Pick<RouteServices, 'now' | 'postSigned'>) =>
    async ({ params, access }) => {
      const { id, url } = await find(services.subscriptions, params.id, access);
      const now = services.now();
      const body = JSON.stringify(sampleEvent(now));
      const message = { id: `test_${randomBytes(12).toString('hex')}`, body };
      const secrets = await services.subscriptions.secretsOf(id, now);
      const { delivered, status, error } = await services.postSigned({ url, message, secrets });
      return { delivered, status, error };
    },
);

export const rotateSubscriptionSecret = route(
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/rotate',
    scope,
    operationId: 'rotateSubscriptionSecret',
    summary: 'Generate a new signing secret',
    description:
      'For `overlapSeconds` (a day by default), posts carry signatures of both secrets, the new one first. 0 ends the previous secret immediately.',
    params: byId,
    notFound: noSuchSubscription,
    body: rotation,
    bodyOptional: true,
    errors,
    answers: {
      200: {
        description: 'The subscription; only this answer shows the secret',
        schema: subscriptionWithSecret,
      },
    },
  },
  ({ subscriptions, audit, now }: ChangeServices & Pick<RouteServices, 'now'>) =>
    async ({ params, body, access }) => {
      const { id, problem } = await find(subscriptions, params.id, access);
      // A secret that cannot be decrypted can no longer sign.
      const overlaps = problem === null && body.overlapSeconds > 0;
      const overlapUntil = overlaps ? new Date(now().getTime() + body.overlapSeconds * 1_000) : null;
      const secret = newSecret();
      const entry = auditEntry(audit, access, { action: 'rotate', target: id });
      await subscriptions.rotate(id, { secret, overlapUntil }, entry);
      return { ...subscriptionView(await find(subscriptions, id, access)), secret };
    },
);

export const resendEvents = route(
  {
    method: 'post',
    path: '/v1/subscriptions/{id}/resend',
    scope,
    operationId: 'resendEvents',
    summary: 'Post events again',
    description:
      'Posts one event (`{"event":"evt_..."}`) or the events of a period (`{"from","until"}`) again, as far as they match the subscription and are kept (7 days). At most 10 000 per call; `next` is the `from` of the next call. Events keep their `webhook-id`.',
    params: byId,
    notFound: noSuchSubscription,
    body: resending,
    errors: [...errors, 'event.not_found', 'subscription.disabled', 'subscription.unreadable'],
    answers: { 202: { description: 'The events will be posted', schema: resendResult } },
  },
  ({ subscriptions, audit }: ChangeServices) =>
    async ({ params, body, access }) => {
      const { id, problem, disabledAt } = await find(subscriptions, params.id, access);
      const { event, from, until } = body;
      if (disabledAt)
        throw new AppError('subscription.disabled', 'the subscription is disabled; enable it first');
      if (problem !== null) throw new AppError('subscription.unreadable', problem);
      const resent = await subscriptions.resend(
        id,
        from === undefined
          ? { notificationId: String(event).replace('evt_', '') }
          : { from, until: until ?? null },
        auditEntry(audit, access, { action: 'resend', target: id }),
      );
      return { count: resent.count, next: resent.next?.toISOString() ?? null };
    },
);

export const listSubscriptionDeliveries = route(
  {
    method: 'get',
    path: '/v1/subscriptions/{id}/deliveries',
    scope,
    operationId: 'listSubscriptionDeliveries',
    summary: 'List the deliveries of a subscription with their attempts',
    params: byId,
    notFound: noSuchSubscription,
    query: historyQuery,
    errors,
    answers: { 200: { description: 'A list, newest first', schema: listOf(notificationDelivery) } },
  },
  ({ subscriptions, events: log }: ReadServices & Pick<RouteServices, 'events'>) =>
    async ({ params, query, access }) => {
      const { id } = await find(subscriptions, params.id, access);
      const deliveries = await subscriptions.history(id, query.limit);
      const events = await log.byIds(deliveries.map(({ notificationId }) => notificationId));
      return {
        items: deliveries.map((delivery) => {
          const event = events.get(delivery.notificationId);
          // The subscription may have had more channels before.
          return deliveryView(delivery, event && seesChannel(access, event.channel) ? event : undefined);
        }),
      };
    },
);

async function find(subscriptions: SubscriptionTable, id: string, access: Access): Promise<Subscription> {
  const found = await subscriptions.find(id);
  if (found && sees(access, found.channels)) return found;
  throw noSuchSubscription();
}

function noSuchSubscription(): AppError {
  return new AppError('subscription.not_found', 'there is no such subscription');
}

/** Records a change in the audit trail, in the transaction of the change. */
function auditEntry(
  audit: Audit,
  { tokenId }: Access,
  { action, target }: { readonly action: string; readonly target: string },
): Together {
  return (connection) =>
    audit.record({ actor: tokenId, action: `subscription.${action}`, target }, connection);
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Only tokens without limits see subscriptions to all channels. */
function sees(access: Access, channels: readonly string[]): boolean {
  if (access.channels === null) return true;
  return channels.length > 0 && channels.every((channel) => seesChannel(access, channel));
}

function checkChannels(access: Access, channels: readonly string[]): void {
  if (!sees(access, channels)) throw invalid('channels', 'the token has no access to all of them');
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
  return AppError.ofFields('request.invalid', [{ field, message }], cause);
}
