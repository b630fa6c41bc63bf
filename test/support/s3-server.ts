/** An object store with the protocol of S3 that checks signatures, in a separate process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { S3Settings } from '../../src/infra/files/s3-blob-store.js';
import { freePort } from '../../src/infra/net/free-port.js';
import { startPackaged } from './program.js';

export interface S3Server {
  readonly settings: S3Settings;
  /** The settings of a service that uses it. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops it and keeps its objects. */
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const require = createRequire(import.meta.url);
/** The only credentials that it accepts, under the names that AWS's own tools read. */
const credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
const bucket = 'pictures';

export async function startS3Server(): Promise<S3Server> {
  Object.assign(process.env, credentials); // The SDK reads them there.
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), 'inlet-s3-')), freePort()]);
  const run = async () => {
    const program = startPackaged(require.resolve('s3rver/bin/s3rver.js'), [
      '--directory',
      directory,
      '--address',
      '127.0.0.1',
      '--port',
      String(port),
      '--configure-bucket',
      bucket,
    ]);
    await program.says(/listening/i);
    return program;
  };
  let program = await run();
  const endpoint = `http://127.0.0.1:${String(port)}`;
  return {
    settings: { bucket, endpoint, region: 'us-east-1', forcePathStyle: true },
    env: { STORAGE: 's3', S3_BUCKET: bucket, S3_ENDPOINT: endpoint, S3_FORCE_PATH_STYLE: 'true' },
    goAway: async () => {
      await program.kill('SIGKILL');
    },
    comeBack: async () => {
      program = await run();
    },
    stop: async () => {
      await program.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
