/**
 * Sends the same request very often at the same moment, from a separate process, so that the time for its
 * thousands of connections does not count as the service's.
 */
import { send, type Answer, type Question } from './request.js';

export interface Order {
  readonly port: number;
  readonly question: Question;
  readonly times: number;
}

/** A response without its text. */
export interface Verdict extends Pick<Answer, 'status' | 'retryAfter'> {
  /** The stable code of a refusal. */
  readonly code?: string | undefined;
}

process.on('message', ({ port, question, times }: Order) => {
  const answers = Array.from({ length: times }, async (): Promise<Verdict> => {
    const { status, retryAfter, text } = await send(port, question);
    return { status, retryAfter, code: status === 429 || status === 503 ? codeOf(text) : undefined };
  });
  void Promise.all(answers).then((verdicts) => process.send?.({ verdicts }));
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });

function codeOf(text: string): string {
  return String((JSON.parse(text) as { readonly code?: unknown }).code);
}
