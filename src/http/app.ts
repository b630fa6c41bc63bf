import type { IncomingMessage, RequestListener } from 'node:http';

import express from 'express';

import { keepRecentBytes } from '../infra/files/recent-bytes.js';
import { isAccepted } from './administration/sign-in.js';
import { basePathOf, belowBasePath } from './middleware/base-path.js';
import { handleErrors, notFound } from './middleware/errors.js';
import { jsonBody } from './middleware/json-body.js';
import { createLoadLimits, type LoadLimits } from './middleware/load-limits.js';
import { inTurn, limitAttempts, limitByToken, limitFailures } from './middleware/rate-limits.js';
import { followRequests } from './middleware/requests.js';
import { securityHeaders } from './middleware/security-headers.js';
import { createQuickRead } from './media/quick-read.js';
import { mount } from './routing/mount.js';
import { openApiDocument } from './openapi/document.js';
import { docsRoutes } from './pages/docs.js';
import { galleryRoutes } from './pages/gallery.js';
import { routes } from './routes.js';
import type { AppServices, RouteServices } from './services.js';
import { createIntake, type Refusals } from './webhooks/intake.js';

export interface AppOptions {
  readonly maxWebhookBytes: number;
  readonly maxMediaBytes: number;
  /** The number of reverse proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxyHops: number;
  readonly apiRequestsPerMinute: number;
  readonly failedProofsPerMinute: number;
}

/** The limit for the body of a request that contains no file. */
const maxJsonBytes = 256 * 1024;
/** No provider accepts larger pictures. Larger files must be uploaded. */
const maxInlineFileBytes = 25 * 1024 * 1024;

/** The limit for the body of a request that may contain a file in Base64. */
function maxJsonBytesWithFile(maxMediaBytes: number): number {
  return Math.ceil((Math.min(maxMediaBytes, maxInlineFileBytes) * 4) / 3) + maxJsonBytes;
}

/** Handles all HTTP requests. Webhooks come first, so that nothing unnecessary delays them. */
export function createApp(services: AppServices, options: AppOptions): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // Stored bytes have their own; hashing every JSON response would be useless work.
  app.set('trust proxy', options.trustedProxyHops);
  const load = createLoadLimits(services.logger);
  const intake = createIntake(services, { maxBytes: options.maxWebhookBytes });
  const ofTokens = perMinute(options.apiRequestsPerMinute, load);
  const quickRead = createQuickRead(services, ofTokens.read);

  app.use(securityHeaders(services.publicUrl));
  app.use(quickRead.failures);
  mount(app, routes, {
    services: routeServices(services, options, intake.refusals),
    limits: { ofTokens, ofLinks: load },
    bodies: {
      json: jsonBody(maxJsonBytes),
      jsonWithFile: jsonBody(maxJsonBytesWithFile(options.maxMediaBytes)),
    },
  });
  app.use(docsRoutes());
  app.use(galleryRoutes(basePathOf(services.publicUrl)));
  app.use(notFound);
  app.use(handleErrors(services.logger));
  // A refused webhook already has a span.
  const isTraced = (request: IncomingMessage): boolean => intake.refusals.get(request) === undefined;
  const all = intake.inFrontOf(load.inFrontOf(followRequests(services, isTraced, quickRead.inFrontOf(app))));
  return belowBasePath(services.publicUrl, all);
}

/** The load limits, after the limit of requests per minute. */
function perMinute(requests: number, load: LoadLimits): LoadLimits {
  const byToken = limitByToken(requests);
  return {
    query: inTurn(byToken, load.query),
    read: inTurn(byToken, load.read),
    download: inTurn(byToken, load.download),
    upload: inTurn(byToken, load.upload),
    export: inTurn(byToken, load.export),
    listen: inTurn(byToken, load.listen),
  };
}

function routeServices(services: AppServices, options: AppOptions, refusals: Refusals): RouteServices {
  const { publicUrl, providers } = services;
  const failures = options.failedProofsPerMinute;
  const attempts = { windowMs: 60_000, limit: failures, message: 'too many failed sign-ins' };
  return {
    ...services,
    refusals,
    failedProofLimit: limitFailures(failures, 'too many webhooks without a valid signature or secret'),
    failedShareLimit: limitFailures(failures, 'too many links that are not valid'),
    failedSignInLimit: limitFailures(failures, 'too many failed sign-ins'),
    signInLimit: limitAttempts(attempts),
    providerSignInLimit: limitAttempts({ ...attempts, isSuccess: isAccepted }),
    maxUploadBytes: options.maxMediaBytes,
    recentBytes: keepRecentBytes(services.blobs),
    openApiDocument: () => openApiDocument(publicUrl, providers),
  };
}
