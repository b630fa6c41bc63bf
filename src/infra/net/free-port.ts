/** Finds a free port of the loopback interface for a server that is about to start. */
import { randomInt } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Below the ports that systems use for outgoing connections (32768 and up on Linux, 49152 and up on macOS).
 * Otherwise a server that restarts on the same port might find it used by the connection of another program.
 */
const defaultPorts: Ports = { from: 20_000, count: 10_000 };
/** A prime number that does not divide the number of ports, so that its multiples reach each port once. */
const step = 3_571;

export interface Ports {
  readonly from: number;
  readonly count: number;
}

/** Returns a port that was free a moment ago. If all of these ports are taken, the system chooses one. */
export async function freePort(ports: Ports = defaultPorts): Promise<number> {
  const first = randomInt(ports.count);
  for (let attempt = 0; attempt < ports.count; attempt += 1) {
    const port = ports.from + ((first + attempt * step) % ports.count);
    if (await isFree(port)) return port;
  }
  const port = await listen(0);
  if (port === undefined) throw new Error('no port of 127.0.0.1 is available');
  return port;
}

/** Whether a server could listen on this port of the loopback interface. */
export async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) !== undefined;
}

/** Listens on the port for a moment and returns it, or undefined if that fails. 0 means any port. */
function listen(requestedPort: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(requestedPort, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
