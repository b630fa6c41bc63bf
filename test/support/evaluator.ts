/** The evaluator of a test file, which ends with it, and adapters that need one. */
import { afterAll } from '@jest/globals';

import type { Evaluate } from '../../src/domain/evaluation.js';
import type { ProviderAdapter } from '../../src/domain/provider-adapter.js';
import type { InboundEvent } from '../../src/domain/provider.js';
import { createEvaluator } from '../../src/infra/expressions/evaluator.js';

/** No suite that uses it judges time, and other programs may have the processors for a while. */
const evaluator = createEvaluator({ limitsMs: { first: 2_000, second: 2_000 } });
afterAll(evaluator.close);

export const evaluate: Evaluate = (evaluation) => evaluator.of('test')(evaluation);

/** Judges an expression also while other programs have the processors: what does not end took too long. */
export const tryOut: Evaluate = evaluator.trial;

/** The events of a payload, whether or not its adapter has an expression. */
export async function eventsOf(
  { translate, parse }: Pick<ProviderAdapter, 'translate' | 'parse'>,
  payload: unknown,
  receivedAt: Date,
): Promise<InboundEvent[]> {
  return parse(translate ? await translate(payload, evaluate) : payload, receivedAt);
}
