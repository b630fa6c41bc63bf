import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createClient } from '../../src/client/index.js';
import { answerPictures, answerTable } from '../../src/demo/answers.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds } from '../../src/demo/providers/registry.js';
import { runScenario, type StepResult } from '../../src/demo/run-scenario.js';
import { scenario } from '../../src/demo/scenario.js';
import { startTestService, type TestService } from '../support/test-service.js';

let simulator: Simulator;
let service: TestService;
let received: StepResult[];
beforeAll(async () => {
  simulator = await startSimulator();
  service = await startTestService({ env: simulator.env() });
  simulator.reportTo(service.url);
  const token = service.token('admin');
  const steps = (await scenario(simulator)).filter(({ sent }) => /^photo( behind| with its|$)/.test(sent));
  received = await runScenario({ baseUrl: service.url, token, simulator, steps });
});
afterAll(async () => {
  await service.stop();
  await simulator.close();
});

const answer = () => {
  const client = createClient({ baseUrl: service.url, token: service.token('admin') });
  return answerPictures({ client, simulator, received });
};

test('the photo of each provider is answered with a photo, which is followed until it is read', async () => {
  const results = await answer();
  expect(results).toEqual(
    providerIds.map((provider) => ({
      provider,
      to: '5511999990000',
      milliseconds: expect.any(Number),
      differences: [],
      statuses: expect.arrayContaining(['queued', provider === 'telegram' ? 'sent' : 'read']),
    })),
  );
  expect(answerTable(results).split('\n')).toHaveLength(providerIds.length + 2);
});

test('the table lists failures', async () => {
  simulator.providers.vonage.api.misbehave('fail');
  simulator.providers.sobot.api.misbehave('error');
  const results = answerTable(await answer());
  expect(results).toMatch(/^vonage .* NO: .*failed/m);
  expect(results).toMatch(/^sobot .* NO: .*unknown; it arrived 0 times/m);
  expect(results.match(/yes$/gm)).toHaveLength(providerIds.length - 2);
});

test('a person who wrote nothing gets no answer', async () => {
  const client = createClient({ baseUrl: service.url, token: service.token('admin') });
  const results = await answerPictures({ client, simulator, received: [] });
  expect(results.flatMap(({ differences }) => differences)).toEqual(
    providerIds.map(() => 'there is nobody to answer'),
  );
});
