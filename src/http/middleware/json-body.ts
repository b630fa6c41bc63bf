/** The JSON bodies of the API: read, bounded and parsed. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import express, { type RequestHandler } from 'express';

import { jsonExtentOf, type JsonExtent } from '../../domain/json-extent.js';

/** No request has more than some hundred members; what is large in a request is one text. */
const mostMembers = 10_000;
const mostRead: JsonExtent = { depth: 100, containers: mostMembers, separators: mostMembers };
/** Of another encoding it cannot be told what it holds without decoding it. JSON is UTF-8 (RFC 8259, 8.1). */
const mostBytesOfOthers = 16_384;

/** `limit` is in bytes. */
export function jsonBody(limit: number): RequestHandler {
  return express.json({ limit, verify: refuseCrowded });
}

/**
 * Refuses what would keep the only thread busy for long: 25 MB of small objects took 52 seconds and 3 GB. What it throws is answered with
 * `request.invalid`.
 */
// The parser calls it with four arguments.
// eslint-disable-next-line max-params
function refuseCrowded(_: IncomingMessage, __: ServerResponse, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8' && body.length > mostBytesOfOthers) throw new Error('the body is not UTF-8');
  const { depth, containers, separators } = jsonExtentOf(body, mostRead);
  if (depth > mostRead.depth) throw new Error('the body is nested too deep');
  if (containers + separators > mostMembers) throw new Error('the body has too many members');
}
