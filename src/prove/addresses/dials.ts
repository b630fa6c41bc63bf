/** Records every TCP connection that this process opens, at the point where Node passes it to the system. */
import { createHook } from 'node:async_hooks';

export interface Dial {
  readonly address: string;
  readonly port: number;
}

export interface Dials {
  /** The connections since the last call. */
  readonly taken: () => Dial[];
  readonly stop: () => void;
}

export function watchDials(): Dials {
  let dials: Partial<Dial>[] = [];
  const hook = createHook({
    // The object receives its address right after this, and is read later.
    init: (...[, type, , resource]: [number, string, number, Partial<Dial>]) => {
      if (type === 'TCPCONNECTWRAP') dials.push(resource);
    },
  }).enable();
  return {
    taken: () => {
      const recorded = dials.map(({ address = 'unknown', port = 0 }) => ({ address, port }));
      dials = [];
      return recorded;
    },
    stop: () => hook.disable(),
  };
}
