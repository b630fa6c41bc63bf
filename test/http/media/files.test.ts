/**
 * Every file of test/fixtures/files becomes what its table says, whichever way it comes; docs/files.md shows
 * the same table.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { call, receive, upload, type MediaView, type Problem } from '../../support/client.js';
import { expectedFiles, filesFolder, type ExpectedFile } from '../../support/files.js';
import { zApiMedia } from '../../support/payloads.js';
import { systemProgram } from '../../support/programs.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const ffmpeg = systemProgram('ffmpeg');
const usable = expectedFiles.filter(({ needs }) => needs === undefined || ffmpeg !== undefined);
const contentOf = ({ file }: ExpectedFile): Buffer => readFileSync(join(filesFolder, file));

let host: MediaHost;
let service: TestService;
beforeAll(async () => {
  host = await startMediaHost();
  const path = ffmpeg === undefined ? {} : { PATH: dirname(ffmpeg) };
  service = await startTestService({ env: { ...path, FETCH_ALLOW_PRIVATE_HOSTS: host.host } });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

const read = (path: string) => call(service.url, path, { token: service.token('media:read') });

/** What a media is, in the words of the table. */
function wordsOf(media: MediaView): Partial<ExpectedFile> {
  const { kind, state, error, type, width, height, previews, warnings } = media;
  if (error) return { kind: kind as ExpectedFile['kind'], state, error: error.code };
  return {
    kind: kind as ExpectedFile['kind'],
    state,
    type: type ?? '',
    width,
    height,
    previews: Object.keys(previews).length > 0,
    warnings: warnings.map(({ code }) => code),
  };
}

function expectedOf(expected: ExpectedFile): Partial<ExpectedFile> {
  const { kind, state, error, type, width, height, previews, warnings } = expected;
  if (error !== undefined) return { kind, state, error };
  return { kind, state, type, width, height, previews, warnings } as Partial<ExpectedFile>;
}

test('every file is in the table, and every row has its file', () => {
  const files = readdirSync(filesFolder).filter((name) => !['make.mjs', 'expected.json'].includes(name));
  expect(expectedFiles.map(({ file }) => file).sort()).toEqual(files.sort());
});

/** A file of another type is fetched three times, with seconds between, because hosts may be wrong for a while. */
const isFetchedAgain = ({ error }: ExpectedFile): boolean => error === 'media.type_mismatch';

describe('a file that is fetched', () => {
  const fetches = async (expected: ExpectedFile): Promise<void> => {
    const content = contentOf(expected);
    const url = host.serve(`/${expected.file}`, bytes('application/octet-stream', content));
    const media = await receive(service, 'z-api', zApiMedia({ url, kind: expected.kind }));
    expect(wordsOf(media)).toEqual(expectedOf(expected));
    const kept = media.contentUrl === null ? [] : [await read(media.contentUrl)];
    expect(kept.map(({ bytes: body }) => body.equals(content))).toEqual(kept.map(() => true));
    expect(kept.map(({ headers }) => headers['x-content-type-options'])).toEqual(kept.map(() => 'nosniff'));
  };

  test.each(usable.filter((expected) => !isFetchedAgain(expected)))('$file: $what', fetches);

  test.concurrent.each(usable.filter(isFetchedAgain))('$file: $what', fetches);
});

describe('a file that is uploaded', () => {
  test.each(usable)(
    '$file: $what',
    async (expected) => {
      const { kind } = expected;
      const file = contentOf(expected);
      const answer = await upload<MediaView & Problem>(service, { file, fields: { channel: 'z-api', kind } });
      const told = answer.status === 201 ? wordsOf(answer.body) : [answer.status, answer.body.code];
      expect(told).toEqual(expected.error === undefined ? expectedOf(expected) : [422, 'upload.refused']);
    },
    180_000,
  );
});
