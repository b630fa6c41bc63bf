/** An expression that never ends has to use up its processor time, which it does not get beside other suites. */
import { expect, test } from '@jest/globals';

import { until } from '../../support/until.js';
import { api, send } from '../sending-stage.js';

test('nothing is sent, and the message is refused, if the expression never ends', async () => {
  const outcome = await until(async () => {
    const one = await send('custom', { settings: { send: '($f := function(){ $f() }; $f())' } });
    return one.type === 'busy' ? undefined : one; // Another program had the processors.
  });
  expect(outcome).toMatchObject({ type: 'refused', message: expect.stringMatching(/took longer/) });
  expect(api.requests).toEqual([]);
});
