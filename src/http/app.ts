import type { IncomingMessage, RequestListener } from 'node:http';

import express from 'express';

import { basePathOf, belowBasePath } from './middleware/base-path.js';
import { handleErrors, notFound } from './middleware/errors.js';
import { jsonBody } from './middleware/json-body.js';
import { createLoadLimits, type LoadLimits } from './middleware/load-limits.js';
import { inTurn, limitByToken, limitFailures } from './middleware/rate-limits.js';
import { followRequests } from './middleware/requests.js';
import { securityHeaders } from './middleware/security-headers.js';
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
  const intake = createIntake(services, { maxBytes: options.maxWebhookBytes });

  app.use(securityHeaders(services.publicUrl));
  mount(app, routes, {
    services: routeServices(services, options, intake.refusals),
    limits: { ofTokens: perMinute(options.apiRequestsPerMinute, load), ofLinks: load },
    bodies: {
      json: jsonBody(mostJsonBytes),
      jsonWithFile: jsonBody(bodyBytesFor(options.maxMediaBytes)),
    },
  });
  app.use(docsRoutes());
  app.use(galleryRoutes(basePathOf(services.publicUrl)));
  app.use(notFound);
  app.use(handleErrors(services.logger));
  // A webhook that was refused has a span already.
  const isTraced = (request: IncomingMessage): boolean => intake.refusals.get(request) === undefined;
  const all = intake.inFrontOf(load.inFrontOf(followRequests(services, isTraced, app)));
  return belowBasePath(services.publicUrl, all);
}

/** The limits of load behind the one of requests a minute. */
function perMinute(requests: number, load: LoadLimits): LoadLimits {
  const byToken = limitByToken(requests);
  return {
    query: inTurn(byToken, load.query),
    download: inTurn(byToken, load.download),
    upload: inTurn(byToken, load.upload),
    listen: inTurn(byToken, load.listen),
  };
}

function routeServices(services: AppServices, options: AppOptions, refusals: Refusals): RouteServices {
  const { publicUrl, providers } = services;
  const failures = options.failedProofsPerMinute;
  return {
    ...services,
    refusals,
    failedProofLimit: limitFailures(failures, 'too many webhooks whose sender was not proven'),
    failedSignInLimit: limitFailures(failures, 'too many sign-ins that failed'),
    maxUploadBytes: options.maxMediaBytes,
    openApiDocument: () => openApiDocument(publicUrl, providers),
  };
}
