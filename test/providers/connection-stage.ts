/** Connects channels at an API that records what it receives, over a real socket. */
import { afterAll, beforeAll, beforeEach } from '@jest/globals';

import type { Connection } from '../../src/domain/connection.js';
import { providers } from '../../src/providers/index.js';
import { credentials } from '../support/signing.js';
import { receivedAt } from './fixtures.js';
import { startRecordingApi, type RecordingApi } from './recording-api.js';

export let api: RecordingApi;

/** Starts the API for the tests of a file. */
export function useRecordingApi(): void {
  beforeAll(async () => {
    api = await startRecordingApi();
  });
  beforeEach(() => {
    api.requests.length = 0;
    api.answers.length = 0;
  });
  afterAll(() => api.close());
}

export const webhookUrl = 'https://inlet.example.com/webhooks/a-channel';

type Settings = Readonly<Record<string, string | undefined>>;

export function connectionOf(id: string, settings: Settings = {}): Connection {
  const provider = providers.find((one) => one.id === id);
  const adapter = provider?.load({ ...credentials[id], apiUrl: api.origin, ...settings }, () => receivedAt);
  if (adapter?.connection === undefined) throw new Error(`${id} cannot be connected`);
  return adapter.connection;
}
