/** The syntax of expressions, which is checked when a channel is configured. */
import { createRequire } from 'node:module';

/** An expression of this length is read within some ten milliseconds, whatever it contains. */
export const maxExpressionLength = 20_000;
/** JSONata takes more than a second for four thousand steps that bind variables (`a@$x.` or `a#$x.`). */
const maxBindings = 500;

type ReadExpression = (expression: string) => unknown;

let readExpression: ReadExpression | undefined;

/** Why an expression cannot be read, with the place; undefined if it can. It is not evaluated. */
export function syntaxProblem(expression: string): string | undefined {
  if ((expression.match(/[@#]/g)?.length ?? 0) > maxBindings)
    return `has more than ${String(maxBindings)} of the characters @ and #`;
  // Loaded for the first channel that needs it, because most services have none.
  readExpression ??= createRequire(import.meta.url)('jsonata') as ReadExpression;
  try {
    readExpression(expression);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return 'is too long, or nested too deeply';
    const { message, position } = error as { readonly message?: unknown; readonly position?: unknown };
    const place = typeof position === 'number' ? ` near character ${String(position)}` : '';
    return `is not JSONata${place}: ${String(message).slice(0, 200)}`;
  }
}
