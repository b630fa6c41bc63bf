import type { IncomingMessage, RequestListener } from 'node:http';

import express from 'express';

import { auditRoutes, type AuditServices } from './administration/audit.js';
import { channelRoutes, type ChannelServices } from './administration/channels.js';
import { deliveryRoutes, type DeliveryServices } from './administration/deliveries.js';
import { sessionRoutes, type SessionServices } from './administration/session.js';
import { statsRoutes, type StatsServices } from './administration/stats.js';
import { tokenRoutes } from './administration/tokens.js';
import { eventRoutes, type EventServices } from './events/stream.js';
import { subscriptionRoutes, type SubscriptionServices } from './events/subscriptions.js';
import { eraseRoutes, type EraseServices } from './media/erase.js';
import { mediaHistoryRoutes } from './media/history.js';
import { publicMediaRoutes, type PublicMediaServices } from './media/public.js';
import { mediaRoutes, type MediaServices } from './media/routes.js';
import { uploadRoutes, type UploadServices } from './media/uploads.js';
import { messageRoutes } from './messages/by-provider-id.js';
import { sendingRoutes, type SendingServices } from './messages/routes.js';
import { basePathOf, belowBasePath } from './middleware/base-path.js';
import { handleErrors, notFound } from './middleware/errors.js';
import { jsonBody } from './middleware/json-body.js';
import { createLoadLimits } from './middleware/load-limits.js';
import { inTurn, limitByToken, limitFailures } from './middleware/rate-limits.js';
import { followRequests, type RequestServices } from './middleware/requests.js';
import { securityHeaders } from './middleware/security-headers.js';
import { healthRoutes, type Readiness } from './operations/health.js';
import { metricsRoutes, type MetricsServices } from './operations/metrics.js';
import { docsRoutes } from './pages/docs.js';
import { galleryRoutes } from './pages/gallery.js';
import { rootRoutes } from './pages/root.js';
import { createIntake, type WebhookServices } from './webhooks/intake.js';
import { webhookRoutes } from './webhooks/routes.js';

export type AppServices = WebhookServices &
  MediaServices &
  DeliveryServices &
  UploadServices &
  AuditServices &
  EventServices &
  SubscriptionServices &
  SessionServices &
  SendingServices &
  PublicMediaServices &
  StatsServices &
  MetricsServices &
  RequestServices &
  EraseServices &
  ChannelServices & {
    readonly readiness: Readiness;
  };

export interface AppOptions {
  readonly maxWebhookBytes: number;
  readonly maxMediaBytes: number;
  /** Hops of reverse proxies whose `X-Forwarded-For` is believed; 0: none. */
  readonly trustedProxyHops: number;
  readonly apiRequestsPerMinute: number;
  readonly failedProofsPerMinute: number;
}

/** Of a request that brings no media with it. */
const mostJsonBytes = 256 * 1024;

/** A request that brings its media in base64. More than any provider takes in a picture is for uploads. */
function bodyBytesFor(maxMediaBytes: number): number {
  return Math.ceil((Math.min(maxMediaBytes, 25 * 1024 * 1024) * 4) / 3) + 256 * 1024;
}

/** The whole HTTP surface. Webhooks come first: nothing that they do not need stands in their way. */
export function createApp(services: AppServices, options: AppOptions): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // Stored bytes carry their own; hashing every JSON answer is work for nothing.
  app.set('trust proxy', options.trustedProxyHops);
  const load = createLoadLimits(services.logger);
  const perMinute = limitByToken(options.apiRequestsPerMinute);
  const limit = inTurn(perMinute, load.query);
  const limits = {
    query: limit,
    download: inTurn(perMinute, load.download),
    upload: inTurn(perMinute, load.upload),
    listen: inTurn(perMinute, load.listen),
  };

  const intake = createIntake(services, { maxBytes: options.maxWebhookBytes });

  app.use(securityHeaders(services.publicUrl));
  app.use(
    webhookRoutes({
      channels: services.channels,
      refusals: intake.refusals,
      failedProofLimit: limitFailures(
        options.failedProofsPerMinute,
        'too many webhooks whose sender was not proven',
      ),
    }),
  );
  app.use(healthRoutes(services.readiness));
  app.use(metricsRoutes(services));
  app.use(rootRoutes(services));
  app.use(docsRoutes(services));
  app.use(uploadRoutes(services, { maxBytes: options.maxMediaBytes, limit: limits.upload }));
  app.use(publicMediaRoutes(services, load.download));
  app.use(sendingRoutes(services, { maxBodyBytes: bodyBytesFor(options.maxMediaBytes), limits }));
  app.use(jsonBody(mostJsonBytes));
  app.use(eraseRoutes(services, limit));
  app.use(mediaRoutes(services, { ...limits, signedDownload: load.download }));
  app.use(mediaHistoryRoutes(services, limit));
  app.use(messageRoutes(services, limit));
  app.use(deliveryRoutes(services, limit));
  app.use(auditRoutes(services, limit));
  app.use(
    sessionRoutes(services, {
      limit,
      failedSignInLimit: limitFailures(options.failedProofsPerMinute, 'too many sign-ins that failed'),
    }),
  );
  app.use(statsRoutes(services, limit));
  app.use(tokenRoutes(services, limit));
  app.use(channelRoutes(services, limit));
  app.use(eventRoutes(services, limits.listen));
  app.use(subscriptionRoutes(services, limit));
  app.use(galleryRoutes(basePathOf(services.publicUrl)));
  app.use(notFound);
  app.use(handleErrors(services.logger));
  // A webhook that was refused has a span already.
  const isTraced = (request: IncomingMessage): boolean => intake.refusals.get(request) === undefined;
  const all = intake.inFrontOf(load.inFrontOf(followRequests(services, isTraced, app)));
  return belowBasePath(services.publicUrl, all);
}
