import { expect, test } from '@jest/globals';

import { eventLine } from '../../src/commands/event-line.js';
import { sampleEvent } from '../../src/http/views/event.js';

const sample = sampleEvent(new Date('2026-11-29T16:00:00.500Z'));

test('an event is one line', () => {
  expect(eventLine(sample)).toBe(
    '2026-11-29 16:00:00Z  media.ready               sample      ' +
      'image 00000000-0000-0000-0000-000000000000 from 15550100 (Sample), "A sample"  (event 0)',
  );
  const data = { ...sample.data, message: null, error: { code: 'media.gone', message: null } };
  expect(eventLine({ ...sample, data })).toContain(' uploaded, media.gone  (event 0)');
});

test('text from a sender can neither break the line nor control the terminal', () => {
  const caption = `one\ntwo\u001b[2J\u202ethree${'x'.repeat(100)}`;
  const message = sample.data.message && { ...sample.data.message, caption, senderName: '\r\n' };
  const line = eventLine({ ...sample, data: { ...sample.data, message } });
  expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  expect(line).toContain('"one two [2J three');
  expect(line.length).toBeLessThan(220);
});

test('a status line contains the status and its message', () => {
  const data = {
    id: null,
    channel: 'blip',
    messageId: 'M1',
    status: 'failed',
    at: null,
    error: { code: '131026', message: null },
  } as const;
  const { id, timestamp, channel } = sample;
  expect(eventLine({ id, timestamp, channel, type: 'message.status', data })).toContain(
    'message M1 is failed, 131026',
  );
});
