/** A store that speaks the protocol of S3 and checks its signatures, in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { S3Settings } from '../../src/infra/files/s3-blob-store.js';
import { freePort } from '../../src/infra/net/free-port.js';
import { startPackaged } from './program.js';

export interface S3Server {
  readonly settings: S3Settings;
  /** The same for a service. */
  readonly env: Readonly<Record<string, string>>;
  /** It keeps what it has. */
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const require = createRequire(import.meta.url);
/** The only ones that it knows, told as AWS's own tools are told. */
const credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
const bucket = 'pictures';

export async function startS3Server(): Promise<S3Server> {
  Object.assign(process.env, credentials); // Where the SDK looks.
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
