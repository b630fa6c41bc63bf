/** `POST /webhooks/:channel`: size, bytes, proof, JSON, commit, answer; in this order and with nothing in between. */
import { parse as parseQuery } from 'node:querystring';

import express, { type Express, type Request, type RequestHandler, type Response } from 'express';

import type { Channel, Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { WebhookRequest } from '../domain/provider.js';
import { parsePayload, type Receive } from '../pipeline/receive.js';
import { allowOnly } from './middleware/errors.js';

export interface WebhookServices {
  readonly channels: Channels;
  readonly receive: Receive;
  readonly now: () => Date;
}

export interface WebhookOptions {
  readonly maxBytes: number;
  /** Asked when a proof has failed; answers itself when there were too many. */
  readonly failedProofLimit: RequestHandler;
}

/** Headers that help to understand a kept delivery. Those that prove the sender are never kept. */
const keptHeaders = ['content-type', 'user-agent', 'x-request-id', 'traceparent'] as const;

/** Adds the routes to the app itself: another router in between costs each webhook a tenth of its time. */
export function addWebhookRoutes(app: Express, services: WebhookServices, options: WebhookOptions): void {
  const readBody = rawBodyUpTo(options.maxBytes);

  const find = (request: Request): Channel => {
    const channel = services.channels.find(String(request.params['channel']));
    if (!channel) throw new AppError('webhook.unknown_channel', 'there is no such channel');
    return channel;
  };

  const receive = async (channel: Channel, request: Request, response: Response): Promise<void> => {
    const bytes: Buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const webhook = toWebhookRequest(request, bytes, services.now());
    const verdict = channel.adapter.verify(webhook);
    if (!verdict.ok) {
      await new Promise<void>((withinLimit, tooMany) => {
        void options.failedProofLimit(request, response, (limited: unknown) => {
          if (limited === undefined) withinLimit();
          else tooMany(asError(limited));
        });
      });
      // What was wrong exactly is nothing a stranger needs to know.
      throw new AppError(
        verdict.askToResend ? 'webhook.unsigned' : 'webhook.unproven',
        'the sender is not proven',
      );
    }
    const payload = parsePayload(bytes);
    const receipt = await services
      .receive({ channel, rawBody: bytes, payload, headers: keep(request), receivedAt: webhook.receivedAt })
      .catch((cause: unknown) => {
        throw new AppError('webhook.not_stored', 'the webhook could not be stored; send it again', { cause });
      });
    const body = JSON.stringify(receipt);
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  };

  app.post('/webhooks/:channel', (request, response, next) => {
    const channel = find(request);
    readBody(request, response, (error: unknown) => {
      if (error === undefined) receive(channel, request, response).catch(next);
      else next(error);
    });
  });
  app.get('/webhooks/:channel', (request, response) => {
    const answer = find(request).adapter.handshake?.(singleParameters(request));
    if (answer === undefined) throw new AppError('request.not_found', 'webhooks are POSTed here');
    response.set('X-Content-Type-Options', 'nosniff').type('text/plain').send(answer);
  });
  app.all('/webhooks/:channel', allowOnly('GET, HEAD, POST'));
}

/** The bytes as they came: a signature covers bytes. */
function rawBodyUpTo(maxBytes: number): RequestHandler {
  // Compressed bodies are refused: no provider sends them, and unpacking before the proof is work for strangers.
  const read = express.raw({ type: () => true, limit: maxBytes, inflate: false });
  return (request, response, next) => {
    read(request, response, (error: unknown) => {
      next(error === undefined ? undefined : translateBodyError(error, maxBytes));
    });
  };
}

function translateBodyError(error: unknown, maxBytes: number): unknown {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') {
    return new AppError('webhook.too_large', `a webhook may have ${String(maxBytes)} bytes`, {
      cause: error,
    });
  }
  if (type === 'encoding.unsupported') {
    return new AppError('webhook.unsupported_encoding', 'send the webhook without Content-Encoding', {
      cause: error,
    });
  }
  return error;
}

function toWebhookRequest(request: Request, rawBody: Buffer, receivedAt: Date): WebhookRequest {
  const headers = request.headers as WebhookRequest['headers'];
  return { rawBody, headers, query: singleParameters(request), receivedAt };
}

function singleParameters(request: Request): Record<string, string> {
  const at = request.url.indexOf('?');
  if (at < 0) return {};
  const parameters: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseQuery(request.url.slice(at + 1)))) {
    if (typeof value === 'string') parameters[name] = value;
  }
  return parameters;
}

function keep(request: Request): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = request.headers[name];
    if (typeof value === 'string') kept[name] = value.slice(0, 255);
  }
  return kept;
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error('the limit could not be asked');
}
