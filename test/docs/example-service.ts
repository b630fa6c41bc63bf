/** A service for the examples of the documents, with stand-ins for everything outside that they name. */
import { photo } from '../../src/demo/photos.js';
import { bytes, startMediaHost } from '../../src/demo/media-host.js';
import { secrets } from '../support/signing.js';
import { authSecret, startTestService } from '../support/test-service.js';

export interface ExampleService {
  /** Values of the variables that the reader's surroundings decide, by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** What commands beside the service need to know. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

export async function startExampleService(): Promise<ExampleService> {
  const host = await startMediaHost();
  // Like the program in the documents, which gives the same answer to everything but files.
  const body = JSON.stringify({
    id: 'example',
    connected: true,
    value: true,
    messageId: 'D241XXXX732339502B68',
  });
  const instance = '/instances/example/token/example';
  host.serve(`${instance}/me`, bytes('application/json', Buffer.from(body)));
  const methods = [
    'send-image',
    'update-webhook-received',
    'update-webhook-delivery',
    'update-webhook-message-status',
  ];
  for (const path of ['/inlet', ...methods.map((method) => `${instance}/${method}`)])
    host.answer(path, () => ({ status: 200, body }));
  const service = await startTestService({
    mediaHosts: [host.host],
    env: { ZAPI_INSTANCE_ID: 'example', ZAPI_TOKEN: 'example', ZAPI_API_URL: host.origin },
  });
  return {
    variables: {
      BASE: service.url,
      TOKEN: service.token('admin'),
      SECRET: secrets[0],
      STANDIN: host.origin,
      PICTURE: host.serve(
        '/picture.jpg',
        bytes('image/jpeg', await photo({ seed: 1, width: 1600, height: 1200 })),
      ),
    },
    environment: { AUTH_SECRET: authSecret },
    stop: async () => {
      await service.stop();
      await host.close();
    },
  };
}
