import { types } from 'node:util';

/**
 * Jest runs tests in a separate realm, in which errors of Node's own modules are not `instanceof Error`, as
 * they are everywhere else. This function makes them so, for the sources that need it.
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
