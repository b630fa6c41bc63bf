/** Every TCP connection that this process begins, whoever begins it: seen where Node hands it to the system. */
import { createHook } from 'node:async_hooks';

export interface Dial {
  readonly address: string;
  readonly port: number;
}

export interface Dials {
  /** Those since it was last asked. */
  readonly taken: () => Dial[];
  readonly stop: () => void;
}

export function watchDials(): Dials {
  let seen: Partial<Dial>[] = [];
  const hook = createHook({
    // The object gets its address right after this, and is looked at later.
    init: (...[, type, , resource]: [number, string, number, Partial<Dial>]) => {
      if (type === 'TCPCONNECTWRAP') seen.push(resource);
    },
  }).enable();
  return {
    taken: () => {
      const dials = seen.map(({ address = 'unknown', port = 0 }) => ({ address, port }));
      seen = [];
      return dials;
    },
    stop: () => hook.disable(),
  };
}
