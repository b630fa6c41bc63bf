/** `POST /webhooks/:channel`: size, bytes, proof, JSON, commit, answer; in this order and with nothing in between. */
import express, { Router, type Request, type RequestHandler, type Response } from 'express';

import type { Channel, Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { WebhookRequest } from '../domain/provider.js';
import type { Receive } from '../pipeline/receive.js';

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

export function webhookRoutes(services: WebhookServices, options: WebhookOptions): Router {
  const router = Router();
  const rawBody = rawBodyUpTo(options.maxBytes);

  const find: RequestHandler = (request, response, next) => {
    const channel = services.channels.find(String(request.params['channel']));
    if (!channel) throw new AppError('webhook.unknown_channel', 'there is no such channel');
    response.locals['channel'] = channel;
    next();
  };

  const receive: RequestHandler = async (request, response, next) => {
    const channel = channelOf(response);
    const bytes: Buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const webhook = toWebhookRequest(request, bytes, services.now());
    const verdict = channel.adapter.verify(webhook);
    if (!verdict.ok) {
      const code = verdict.askToResend ? 'webhook.unsigned' : 'webhook.unproven';
      // What was wrong exactly is nothing a stranger needs to know.
      options.failedProofLimit(request, response, (limited: unknown) => {
        next(limited ?? new AppError(code, 'the sender is not proven'));
      });
      return;
    }
    const receipt = await services
      .receive({
        channel,
        rawBody: bytes,
        payload: parseJson(bytes),
        headers: keep(request),
        receivedAt: webhook.receivedAt,
      })
      .catch((cause: unknown) => {
        throw cause instanceof AppError
          ? cause
          : new AppError('webhook.not_stored', 'the webhook could not be stored; send it again', { cause });
      });
    const body = JSON.stringify(receipt);
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  };

  const challenge: RequestHandler = (request, response) => {
    const answer = channelOf(response).adapter.handshake?.(singleParameters(request));
    if (answer === undefined) throw new AppError('request.not_found', 'webhooks are POSTed here');
    response.set('X-Content-Type-Options', 'nosniff').type('text/plain').send(answer);
  };

  router.post('/webhooks/:channel', find, rawBody, receive);
  router.get('/webhooks/:channel', find, challenge);
  router.all('/webhooks/:channel', (_, response) => {
    response.set('Allow', 'GET, POST');
    throw new AppError('request.method_not_allowed', 'webhooks are POSTed');
  });
  return router;
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
  const at = request.originalUrl.indexOf('?');
  if (at < 0) return {};
  const parameters = new URLSearchParams(request.originalUrl.slice(at));
  return Object.fromEntries([...parameters].filter(([name]) => parameters.getAll(name).length === 1));
}

function parseJson(bytes: Buffer): unknown {
  try {
    // Some senders start with a byte order mark, which JSON does not know.
    return JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new AppError('webhook.not_json', 'the body is not JSON', { cause });
  }
}

function keep(request: Request): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = request.headers[name];
    if (typeof value === 'string') kept[name] = value.slice(0, 255);
  }
  return kept;
}

function channelOf(response: Response): Channel {
  return response.locals['channel'] as Channel;
}
