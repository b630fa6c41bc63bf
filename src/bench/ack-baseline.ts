/** The least that a receiver can do: the same Express, the same way to read a body, `JSON.parse`, 200. Nothing is stored. */
import express, { type Request, type Response } from 'express';

const app = express();
app.disable('x-powered-by');
app.disable('etag');
const rawBody = express.raw({ type: () => true, limit: 3_145_728, inflate: false });
app.post('/webhooks/:channel', rawBody, (request: Request, response: Response) => {
  const body: Buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const payload: unknown = JSON.parse(body.toString('utf8'));
  const answer = JSON.stringify({ received: typeof payload });
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
    .end(answer);
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.once('disconnect', () => process.exit(0));
