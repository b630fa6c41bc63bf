/** What an object has under a name that anybody may have chosen; not what every object inherits, such as `constructor`. */
export function ownValue<Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined {
  // eslint-disable-next-line inlet/own-keys -- this is where it is made sure.
  return Object.hasOwn(of, name) ? of[name] : undefined;
}
