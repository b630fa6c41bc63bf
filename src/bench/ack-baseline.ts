/**
 * The same Express app, answering 200 after `JSON.parse`: the service's own webhook routes, with a channel that believes
 * everybody and a receiver that keeps nothing.
 */
import express from 'express';

import type { Channel } from '../domain/channel.js';
import { addWebhookRoutes } from '../http/webhooks.js';

const receipt = { delivery: '', outcome: 'ignored', duplicate: false, media: [] } as const;
const channelFor = (id: string): Channel => ({
  id,
  provider: id,
  adapter: { verify: () => ({ ok: true }), parse: () => [], downloads: { trustedHosts: [] } },
});

const app = express();
app.disable('x-powered-by');
app.disable('etag');
addWebhookRoutes(
  app,
  {
    channels: { find: channelFor, all: () => [] },
    receive: () => Promise.resolve(receipt),
    now: () => new Date(),
  },
  {
    maxBytes: 3_145_728,
    failedProofLimit: (_request, _response, next) => {
      next();
    },
  },
);
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.once('disconnect', () => process.exit(0));
