/** undici takes a reset for the end of a body without a length, which it is not here: half a file would pass for a whole one. */
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** What is used of undici's HTTP/1 parser, which it keeps at the socket. */
interface Parser {
  /** Zero between answers. */
  readonly statusCode: number;
  finish: () => Error | null;
}

/** A connector whose connections may end at any time. */
export function finishing(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...result) => {
      callback(...result);
      const [, socket] = result;
      const parser = socket && parserOf(socket);
      if (!parser) return;
      const finish = parser.finish.bind(parser);
      // A body without a length is whole only where its host has closed the connection properly.
      parser.finish = () => (parser.statusCode === 0 ? finish() : (socket.errored ?? finish()));
    });
  };
}

/** Made within undici's callback; none after a version that keeps it elsewhere, which a test notices. */
function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return key && (Object.getOwnPropertyDescriptor(socket, key)?.value as Parser | undefined);
}
