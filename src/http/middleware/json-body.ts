/** Reads, limits and parses the JSON bodies of the API. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import express, { type RequestHandler } from 'express';

import { jsonExtentOf, type JsonExtent } from '../../domain/json-extent.js';

/** Requests have a few hundred members at most; only texts in them are large. */
const maxMembers = 10_000;
const maxExtent: JsonExtent = { depth: 100, containers: maxMembers, separators: maxMembers };
/** JSON is UTF-8 (RFC 8259, 8.1). The extent of other encodings is unknown until they are decoded. */
const maxBytesOfOtherEncodings = 16_384;

/** `limit` is in bytes. */
export function jsonBody(limit: number): RequestHandler {
  return express.json({ limit, verify: refuseCrowded });
}

/**
 * Refuses a body that would block the main thread: 25 MB of small objects took 52 seconds and 3 GB. The
 * response to its errors is `request.invalid`.
 */
// The parser calls it with four arguments.
// eslint-disable-next-line max-params
function refuseCrowded(_: IncomingMessage, __: ServerResponse, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8' && body.length > maxBytesOfOtherEncodings)
    throw new Error('the body is not UTF-8');
  const { depth, containers, separators } = jsonExtentOf(body, maxExtent);
  if (depth > maxExtent.depth) throw new Error('the body is nested too deeply');
  if (containers + separators > maxMembers) throw new Error('the body has too many members');
}
