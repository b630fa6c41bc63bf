/** A port of the loopback interface for a server that is about to start. */
import { randomInt } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 and up on macOS). A server that ends and is started
 * again at the same port would otherwise find a connection of some other program there.
 */
const usualPorts: Ports = { from: 20_000, count: 10_000 };
/** A prime number that does not divide the number of ports: steps of it come to each of them once. */
const step = 3_571;

export interface Ports {
  readonly from: number;
  readonly count: number;
}

/** Was free a moment ago. When all of these ports are taken, it is one that the system chooses. */
export async function freePort(ports: Ports = usualPorts): Promise<number> {
  const first = randomInt(ports.count);
  for (let tries = 0; tries < ports.count; tries += 1) {
    const port = ports.from + ((first + tries * step) % ports.count);
    if (await isFree(port)) return port;
  }
  const port = await listen(0);
  if (port === undefined) throw new Error('no port of 127.0.0.1 can be listened on');
  return port;
}

/** Whether a server could listen at this port of the loopback interface. */
export async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) !== undefined;
}

/** The port that was listened on for a moment; undefined: it could not be. 0 is any. */
function listen(wanted: number): Promise<number | undefined> {
  return new Promise((tell) => {
    const server = createServer();
    server.once('error', () => {
      tell(undefined);
    });
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        tell(port);
      });
    });
  });
}
