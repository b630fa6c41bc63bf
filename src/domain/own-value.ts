/**
 * Returns an object's own member under a name that a stranger may have chosen, never an inherited one such as
 * `constructor`.
 */
export function ownValue<Value>(object: Readonly<Record<string, Value>>, name: string): Value | undefined {
  // eslint-disable-next-line inlet/own-keys -- this function implements the check.
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
