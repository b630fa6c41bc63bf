import { expect, test } from '@jest/globals';
import { fileTypeFromBuffer } from 'file-type';

import { pdf, video, voiceNote } from '../../src/demo/attachments.js';

test('the bytes of a video are recognized as MP4', async () => {
  const bytes = video({ seed: 1, bytes: 2048 });
  expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'mp4', mime: 'video/mp4' });
  expect(video({ seed: 1, bytes: 2048 })).toEqual(bytes);
  expect(video({ seed: 2, bytes: 2048 })).not.toEqual(bytes);

  const boxes: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += bytes.readUInt32BE(offset)) {
    boxes.push(bytes.toString('latin1', offset + 4, offset + 8));
  }
  expect(boxes).toEqual(['ftyp', 'moov', 'mdat']);
});

test('a voice note is Opus in Ogg', async () => {
  const bytes = voiceNote({ seed: 1, seconds: 3 });
  expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'opus', mime: 'audio/ogg; codecs=opus' });
  // Two pages of headers, and one for each second.
  expect(bytes.toString('latin1').match(/OggS/g)).toHaveLength(5);
});

test('the offsets of a PDF point to its objects', async () => {
  const bytes = pdf('Invoice (1)');
  expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'pdf', mime: 'application/pdf' });
  const text = bytes.toString('latin1');
  const offsets = [...text.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) => Number(offset));
  expect(offsets.map((offset) => text.slice(offset, offset + 7))).toEqual(
    [1, 2, 3, 4, 5].map((number) => `${String(number)} 0 obj`),
  );
  expect(text.slice(Number(/startxref\n(\d+)/.exec(text)?.[1])).startsWith('xref')).toBe(true);
});
