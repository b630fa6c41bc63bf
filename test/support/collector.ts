/**
 * A collector of traces: it accepts OTLP over HTTP and reads the parts of its protobuf that tests inspect.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

export interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty if it has none. */
  readonly parentId: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The traces that it links to. */
  readonly links: readonly string[];
  readonly failed: boolean;
  readonly milliseconds: number;
}

export interface Collector {
  readonly endpoint: string;
  readonly spans: () => readonly SeenSpan[];
  /** The sender of the spans. */
  readonly resource: () => Readonly<Record<string, string | number>>;
  /** The raw bodies, in which tests look for confidential data. */
  readonly bodies: readonly Buffer[];
  readonly headers: readonly IncomingHttpHeaders[];
  readonly close: () => void;
}

type Answer = (response: ServerResponse) => void;

export async function startCollector(answer: Answer = (response) => response.end()): Promise<Collector> {
  const bodies: Buffer[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    headers.push(request.headers);
    bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    answer(response);
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    spans: () => bodies.flatMap(spansOf),
    resource: () =>
      Object.assign(
        {},
        ...bodies.flatMap(resourcesOf).map((resource) => attributesOf(resource, 1)),
      ) as object as Record<string, string>,
    bodies,
    headers,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The field numbers are those of `opentelemetry/proto/trace/v1/trace.proto`. */
function spansOf(body: Buffer): SeenSpan[] {
  const spans = all(body, 1)
    .flatMap((ofResource) => all(ofResource, 2))
    .flatMap((ofScope) => all(ofScope, 2));
  return spans.map((span) => ({
    name: one(span, 5).toString('utf8'),
    traceId: one(span, 1).toString('hex'),
    spanId: one(span, 2).toString('hex'),
    parentId: one(span, 4).toString('hex'),
    attributes: attributesOf(span, 9),
    links: all(span, 13).map((link) => one(link, 1).toString('hex')),
    failed: numberIn(one(span, 15), 3) === 2,
    milliseconds: Number(one(span, 8).readBigUInt64LE() - one(span, 7).readBigUInt64LE()) / 1e6,
  }));
}

function resourcesOf(body: Buffer): Buffer[] {
  return all(body, 1).flatMap((ofResource) => all(ofResource, 1));
}

function attributesOf(message: Buffer, field: number): Record<string, string | number> {
  return Object.fromEntries(
    all(message, field).map((pair) => {
      const value = one(pair, 2);
      return [one(pair, 1).toString('utf8'), numberIn(value, 3) ?? one(value, 1).toString('utf8')];
    }),
  );
}

interface Field {
  readonly number: number;
  readonly value: Buffer | number;
}

/** https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    const lengths: Readonly<Record<number, () => number>> = { 1: () => 8, 2: varint, 5: () => 4 };
    const length = lengths[kind]?.();
    if (length === undefined) fields.push({ number: key >> 3, value: varint() });
    else {
      fields.push({ number: key >> 3, value: message.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

function all(message: Buffer, field: number): Buffer[] {
  return fieldsOf(message).flatMap(({ number, value }) =>
    number === field && Buffer.isBuffer(value) ? [value] : [],
  );
}

function one(message: Buffer, field: number): Buffer {
  return all(message, field)[0] ?? Buffer.alloc(0);
}

function numberIn(message: Buffer, field: number): number | undefined {
  const found = fieldsOf(message).find(({ number, value }) => number === field && typeof value === 'number');
  return typeof found?.value === 'number' ? found.value : undefined;
}
