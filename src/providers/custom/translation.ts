/** Turns a payload into what the expression of the channel makes of it. */
import type { Evaluate, Evaluated } from '../../domain/evaluation.js';
import type { InboundEvent } from '../../domain/provider.js';
import { notYetEvaluated } from '../../domain/receipt.js';
import { malformed } from '../kit/events.js';
import { eventsOfResult } from './events.js';

/** The member of an attachment that holds its bytes. */
export const bytesMember = 'base64';

/** A payload after the expression. A class, so that no payload looks like one. */
class Translation {
  readonly evaluated: Evaluated;

  constructor(evaluated: Evaluated) {
    this.evaluated = evaluated;
  }
}

/** Webhooks that arrive before the expression is written are kept, and can be replayed with it. */
const noExpression: Evaluated = {
  ok: false,
  reason: 'the channel has no expression yet: set "events" and replay this delivery',
};

const tooDeep: Evaluated = { ok: false, reason: 'the payload is nested too deeply' };

/** Never rejects. */
export async function translate(
  expression: string | undefined,
  payload: unknown,
  evaluate: Evaluate,
): Promise<unknown> {
  if (expression === undefined) return new Translation(noExpression);
  const input = inputOf(payload);
  if (input === undefined) return new Translation(tooDeep);
  return new Translation(await evaluate({ expression, input, byPlace: bytesMember }));
}

/** Undefined if the payload is nested so deeply that there is no text of it. */
function inputOf(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload);
  } catch {
    return undefined;
  }
}

/** The events of a translated payload; none for anything else. */
export function parse(payload: unknown): InboundEvent[] {
  if (!(payload instanceof Translation)) return [];
  const { evaluated } = payload;
  if (evaluated.ok) return eventsOfResult(evaluated.value);
  return [malformed(evaluated.isPassing ? notYetEvaluated : evaluated.reason)];
}
