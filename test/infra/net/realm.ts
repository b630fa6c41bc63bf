import { types } from 'node:util';

/**
 * Jest runs tests in a realm of their own, where the errors of Node's own modules are not `instanceof Error`, as they are
 * everywhere else. This makes them so, for the sources that ask.
 */
export function recogniseNodeErrors(): void {
  const usual = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(Error, Symbol.hasInstance, {
    configurable: true,
    value(this: unknown, candidate: unknown): boolean {
      return usual.call(this, candidate) || (this === Error && types.isNativeError(candidate));
    },
  });
}
