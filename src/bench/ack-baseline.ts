/**
 * The minimal work of an Express app for a webhook: 200 after the body was parsed, which is JSON or a form,
 * with nothing stored.
 */
import { parse } from 'node:querystring';

import express, { type Request } from 'express';

const app = express();
app.disable('x-powered-by');
app.disable('etag'); // Like the service; otherwise this would be slower.
app.post(
  '/webhooks/:channel',
  express.raw({ type: () => true, limit: 3_145_728 }),
  (request: Request<object, unknown, Buffer>, response) => {
    const text = request.body.toString();
    if (request.is('application/x-www-form-urlencoded')) parse(text);
    else JSON.parse(text);
    response.json({ delivery: '', outcome: 'ignored', duplicate: false, media: [] });
  },
);
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.once('disconnect', () => process.exit(0));
