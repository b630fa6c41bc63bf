/**
 * Gives a process another time of day. Imported before everything else (`node --import`); at SIGUSR2, the
 * clock changes by the milliseconds in the file that the environment names. Timers continue, as when an
 * operator sets the clock.
 */
import { readFileSync } from 'node:fs';

// eslint-disable-next-line no-restricted-properties -- The service must not know of it, so its settings do not.
const offsetFile = process.env['INLET_PROVE_CLOCK'] ?? '';
const RealDate = Date;
let offset = 0;

process.on('SIGUSR2', () => {
  offset = Number(readFileSync(offsetFile, 'utf8'));
});

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: ConstructorParameters<typeof Date> | [], as) =>
    Reflect.construct(target, given.length === 0 ? [RealDate.now() + offset] : given, as) as object,
  apply: () => new RealDate(RealDate.now() + offset).toString(),
  get: (target, name, receiver) =>
    name === 'now' ? () => RealDate.now() + offset : (Reflect.get(target, name, receiver) as unknown),
});
