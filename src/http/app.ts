import type { IncomingMessage, RequestListener } from 'node:http';

import express from 'express';

import { auditRoutes, type AuditServices } from './audit.js';
import { channelRoutes, type ChannelServices } from './channels.js';
import { deliveryRoutes, type DeliveryServices } from './deliveries.js';
import { eraseRoutes, type EraseServices } from './erase.js';
import { eventRoutes, type EventServices } from './events.js';
import { galleryRoutes } from './gallery.js';
import { docsRoutes } from './docs.js';
import { healthRoutes, type Readiness } from './health.js';
import { mediaHistoryRoutes } from './media-history.js';
import { mediaRoutes, type MediaServices } from './media.js';
import { messageRoutes } from './messages.js';
import { metricsRoutes, type MetricsServices } from './metrics.js';
import { handleErrors, notFound } from './middleware/errors.js';
import { limitByToken, limitFailures } from './middleware/rate-limits.js';
import { securityHeaders } from './middleware/security-headers.js';
import { publicMediaRoutes, type PublicMediaServices } from './public-media.js';
import { followRequests, type RequestServices } from './requests.js';
import { sendingRoutes, type SendingServices } from './sending.js';
import { sessionRoutes, type SessionServices } from './session.js';
import { statsRoutes, type StatsServices } from './stats.js';
import { subscriptionRoutes, type SubscriptionServices } from './subscriptions.js';
import { tokenRoutes } from './tokens.js';
import { uploadRoutes, type UploadServices } from './uploads.js';
import { createIntake, type WebhookServices } from './webhook-intake.js';
import { webhookRoutes } from './webhooks.js';

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
  const limit = limitByToken(options.apiRequestsPerMinute);

  const intake = createIntake(services, { maxBytes: options.maxWebhookBytes });

  app.use(securityHeaders(services.publicUrl));
  app.use(
    webhookRoutes({
      ...{ channels: services.channels, refusals: intake.refusals },
      failedProofLimit: limitFailures(
        options.failedProofsPerMinute,
        'too many webhooks whose sender was not proven',
      ),
    }),
  );
  app.use(healthRoutes(services.readiness));
  app.use(metricsRoutes(services));
  app.use(docsRoutes(services));
  app.use(uploadRoutes(services, { maxBytes: options.maxMediaBytes, limit }));
  app.use(publicMediaRoutes(services));
  app.use(sendingRoutes(services, { maxBodyBytes: bodyBytesFor(options.maxMediaBytes), limit }));
  app.use(express.json({ limit: '256kb' }));
  app.use(eraseRoutes(services, limit));
  app.use(mediaRoutes(services, limit));
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
  app.use(eventRoutes(services, limit));
  app.use(subscriptionRoutes(services, limit));
  app.use(galleryRoutes());
  app.use(notFound);
  app.use(handleErrors(services.logger));
  // A webhook that was refused has a span already.
  const isTraced = (request: IncomingMessage): boolean => intake.refusals.get(request) === undefined;
  return intake.inFrontOf(followRequests(services, isTraced, app));
}
