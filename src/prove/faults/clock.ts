/**
 * Another time of day for a process, to be imported before everything else (`node --import`): at SIGUSR2 it goes by as many
 * milliseconds as the file says that is named in the environment. Timers go on as they do when an operator sets the clock.
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
