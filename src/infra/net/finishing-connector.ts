/**
 * undici treats a connection reset as the end of a body without a length. Here it is an error, because half a
 * file would pass for a whole one.
 */
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** The members of undici's HTTP/1 parser that are used here. undici stores the parser on the socket. */
interface Parser {
  /** Zero between responses. */
  readonly statusCode: number;
  finish: () => Error | null;
}

/** A connector for connections that may be reset at any time. */
export function finishing(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...result) => {
      callback(...result);
      const [, socket] = result;
      const parser = socket && parserOf(socket);
      if (!parser) return;
      const finish = parser.finish.bind(parser);
      // A body without a length is only complete if the host closed the connection properly.
      parser.finish = () => (parser.statusCode === 0 ? finish() : (socket.errored ?? finish()));
    });
  };
}

/**
 * undici creates the parser in its callback. If a later version stores it elsewhere, there is none, which a
 * test detects.
 */
function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return key && (Object.getOwnPropertyDescriptor(socket, key)?.value as Parser | undefined);
}
