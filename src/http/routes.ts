/**
 * All routes of the API, in the order of the document. If two paths match an address, the first one responds.
 */
import { listAudit } from './administration/audit.js';
import {
  addChannel,
  changeChannel,
  getChannel,
  listChannels,
  listProviders,
  removeChannel,
  rotateChannelSecret,
} from './administration/channels.js';
import { getDelivery, listDeliveries, replayDelivery } from './administration/deliveries.js';
import { getSession, signIn, signOut } from './administration/session.js';
import { getStats } from './administration/stats.js';
import { createToken, getToken, listTokens, revokeToken } from './administration/tokens.js';
import { streamEvents } from './events/stream.js';
import {
  changeSubscription,
  createSubscription,
  deleteSubscription,
  getSubscription,
  listSubscriptionDeliveries,
  listSubscriptions,
  resendEvents,
  rotateSubscriptionSecret,
  testSubscription,
} from './events/subscriptions.js';
import { getMediaContent, getMediaPreview, getPublicMedia } from './media/bytes.js';
import { eraseContact, eraseMedia } from './media/erase.js';
import { getMediaHistory } from './media/history.js';
import { createMediaLink, getMedia, listMedia, retryMedia } from './media/routes.js';
import { uploadMedia } from './media/uploads.js';
import { findMessage } from './messages/by-provider-id.js';
import { getChannelLimits, getMessage, listMessages, retryMessage, sendMessage } from './messages/routes.js';
import { checkLiveness, checkReadiness } from './operations/health.js';
import { getMetrics } from './operations/metrics.js';
import { getOpenApiDocument } from './operations/openapi.js';
import { getIndex } from './operations/root.js';
import type { Route } from './routing/route.js';
import type { RouteServices } from './services.js';
import { answerChallenge, receiveWebhook } from './webhooks/routes.js';

export const routes: readonly Route<RouteServices>[] = [
  sendMessage,
  listMessages,
  getMessage,
  retryMessage,
  findMessage,
  listMedia,
  uploadMedia,
  getMedia,
  eraseMedia,
  getMediaContent,
  getMediaPreview,
  createMediaLink,
  retryMedia,
  getMediaHistory,
  eraseContact,
  getPublicMedia,
  listDeliveries,
  getDelivery,
  replayDelivery,
  getStats,
  streamEvents,
  listSubscriptions,
  createSubscription,
  getSubscription,
  changeSubscription,
  deleteSubscription,
  testSubscription,
  rotateSubscriptionSecret,
  resendEvents,
  listSubscriptionDeliveries,
  listAudit,
  listTokens,
  createToken,
  getToken,
  revokeToken,
  signIn,
  getSession,
  signOut,
  listChannels,
  addChannel,
  getChannel,
  changeChannel,
  removeChannel,
  rotateChannelSecret,
  getChannelLimits,
  listProviders,
  receiveWebhook,
  answerChallenge,
  checkLiveness,
  checkReadiness,
  getMetrics,
  getOpenApiDocument,
  getIndex,
];
