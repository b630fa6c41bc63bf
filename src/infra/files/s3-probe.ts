/** Probes what Inlet needs from a bucket: a trial object, and then what the bucket retains. */
import { shareRun } from '../../domain/concurrent-calls.js';
import { isListingDenied, isReachable, reportRetention } from './s3-bucket-checks.js';
import { createTrial, type TrialOptions } from './s3-trial.js';

export interface S3Probe {
  /**
   * Rejects with a `StorageProblem` if objects cannot be written and read. Calls during a probe share its
   * result.
   */
  readonly run: () => Promise<void>;
  /** Whether the store has refused a listing with 403. */
  readonly isListingDenied: () => boolean;
  /** Records whether other code could store an object; after a failure, the next probe is complete again. */
  readonly recordResult: (result: 'stored' | 'failed') => void;
}

/** In between, only the existence of the bucket is checked, because a full probe costs three requests. */
const validForMs = 30_000;
/** Anyone may query readiness as often as they like. */
const retryMs = 1_000;
const bucketCheckIntervalMs = 3_600_000;

export function createS3Probe(options: TrialOptions): S3Probe {
  const { client, bucket, notice } = options;
  const target = { client, bucket };
  const runTrial = createTrial(options);
  let probedAt = -Infinity;
  let lastFailure: { readonly at: number; readonly problem: unknown } | undefined;
  let bucketCheckedAt = -Infinity;
  let listingDenied = false;

  const checkBucket = (): void => {
    bucketCheckedAt = performance.now();
    void isListingDenied(target, notice).then((denied) => {
      listingDenied = denied;
    });
    reportRetention(target, notice);
  };

  const run = async (): Promise<void> => {
    if (performance.now() - probedAt < validForMs && (await isReachable(target))) return;
    if (lastFailure && performance.now() - lastFailure.at < retryMs) throw lastFailure.problem;
    try {
      await runTrial();
    } catch (error) {
      probedAt = -Infinity;
      lastFailure = { at: performance.now(), problem: error };
      throw error;
    }
    probedAt = performance.now();
    lastFailure = undefined;
    if (probedAt - bucketCheckedAt >= bucketCheckIntervalMs) checkBucket();
  };

  return {
    run: shareRun(run),
    isListingDenied: () => listingDenied,
    recordResult: (result) => {
      if (result === 'stored') lastFailure = undefined;
      else probedAt = -Infinity;
    },
  };
}
