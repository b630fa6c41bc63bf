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
  // Like the program in the documents: every POST is answered, and there is no other file than the picture.
  const accepted = {
    status: 200,
    body: JSON.stringify({ messageId: 'D241XXXX732339502B68' }),
  };
  host.answer('/instances/example/token/example/send-image', () => accepted);
  host.answer('/inlet', () => accepted);
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
