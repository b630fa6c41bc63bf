/** The minimal work of an Express app for the same answers: files of a folder, and one object as JSON. */
import express from 'express';

const app = express();
app.disable('x-powered-by');
app.disable('etag'); // Like the service; otherwise its JSON would be slower.

process.once('message', ({ folder, media }: { folder: string; media: object }) => {
  app.use('/files', express.static(folder));
  app.get('/media', (_request, response) => {
    response.json(media);
  });
  const server = app.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
  });
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
