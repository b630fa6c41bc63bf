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
import { backfillChannel, connectChannel, getChannelConnection } from './administration/connection.js';
import { getDelivery, listDeliveries, replayDelivery } from './administration/deliveries.js';
import { createHold, endHold, getHold, listHolds } from './administration/holds.js';
import { previewWebhook } from './administration/preview.js';
import { acceptInvitation, checkInvitation } from './administration/invitations.js';
import { changePassword, getSession, signIn, signOut } from './administration/session.js';
import { beginProviderSignIn, finishProviderSignIn, getSignIn } from './administration/sign-in.js';
import { endSession, listSessions } from './administration/sessions.js';
import { getStats } from './administration/stats.js';
import { createToken, getToken, listTokens, revokeToken } from './administration/tokens.js';
import {
  changeUser,
  createUser,
  deleteUser,
  getUser,
  inviteUser,
  listUsers,
} from './administration/users.js';
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
import { annotateMedia, listTags } from './media/annotate.js';
import { getMediaEvidence } from './evidence/routes.js';
import { exportMedia } from './export/routes.js';
import { getMediaContent, getMediaPreview, getPublicMedia } from './media/bytes.js';
import { eraseContact, eraseMedia } from './media/erase.js';
import { listMediaFacts, recordMediaFact } from './media/facts.js';
import { addFavourite, listFavourites, removeFavourite } from './media/favourites.js';
import { getMediaHistory } from './media/history.js';
import { getMediaPage, listMediaPages } from './media/pages.js';
import { createMediaLink, getMedia, listMedia, retryMedia } from './media/routes.js';
import { deleteView, listViews, saveView } from './media/saved-views.js';
import { listSimilarMedia } from './media/similar.js';
import { uploadMedia } from './media/uploads.js';
import { findMessage } from './messages/by-provider-id.js';
import { getChannelLimits, getMessage, listMessages, retryMessage, sendMessage } from './messages/routes.js';
import { listAlerts } from './operations/alerts.js';
import { checkLiveness, checkReadiness } from './operations/health.js';
import { getMetrics } from './operations/metrics.js';
import { getOpenApiDocument } from './operations/openapi.js';
import { getIndex } from './operations/root.js';
import { getPerson, getTimeline, listPeople } from './people/routes.js';
import type { Route } from './routing/route.js';
import type { RouteServices } from './services.js';
import { createShare, getShare, listShares, revokeShare } from './shares/administration.js';
import { getSharedFile, getSharedPage, getSharedPreview, openSharedPage } from './shares/shared.js';
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
  annotateMedia,
  eraseMedia,
  getMediaContent,
  getMediaPreview,
  createMediaLink,
  retryMedia,
  getMediaHistory,
  getMediaEvidence,
  listSimilarMedia,
  listMediaPages,
  getMediaPage,
  listTags,
  listPeople,
  getPerson,
  getTimeline,
  recordMediaFact,
  listMediaFacts,
  addFavourite,
  removeFavourite,
  listFavourites,
  listViews,
  saveView,
  deleteView,
  exportMedia,
  eraseContact,
  listHolds,
  createHold,
  getHold,
  endHold,
  listShares,
  createShare,
  getShare,
  revokeShare,
  getSharedPage,
  openSharedPage,
  getSharedFile,
  getSharedPreview,
  getPublicMedia,
  listDeliveries,
  getDelivery,
  replayDelivery,
  getStats,
  listAlerts,
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
  listUsers,
  createUser,
  getUser,
  changeUser,
  deleteUser,
  inviteUser,
  checkInvitation,
  acceptInvitation,
  getSignIn,
  beginProviderSignIn,
  finishProviderSignIn,
  signIn,
  getSession,
  signOut,
  changePassword,
  listSessions,
  endSession,
  listChannels,
  addChannel,
  getChannel,
  changeChannel,
  removeChannel,
  rotateChannelSecret,
  connectChannel,
  getChannelConnection,
  backfillChannel,
  getChannelLimits,
  listProviders,
  previewWebhook,
  receiveWebhook,
  answerChallenge,
  checkLiveness,
  checkReadiness,
  getMetrics,
  getOpenApiDocument,
  getIndex,
];
