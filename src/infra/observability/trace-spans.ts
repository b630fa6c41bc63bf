/** The spans of requests, webhooks, downloads, sent messages and posted events. */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

import { rootOf, type TraceIds } from './trace-ids.js';
import type { Tracing } from './tracing.js';

/** What all spans are made with. */
export interface SpanMaker {
  readonly tracer: Tracer;
  readonly contexts: AsyncLocalStorageContextManager;
  readonly ids: TraceIds;
  /** Whether the spans of a trace are exported. */
  readonly isSampled: (traceId: string) => boolean;
}

/** Attaches spans for the media item or message with this id to its first span. */
function belowRootOf({ isSampled }: SpanMaker, id: string): Context {
  const root = rootOf(id);
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...root,
    isRemote: true,
    traceFlags: isSampled(root.traceId) ? 1 : 0,
  });
}

function activeSpan({ contexts }: SpanMaker): Span | undefined {
  return trace.getSpan(contexts.active());
}

export function requestSpans({ tracer, contexts }: SpanMaker): Pick<Tracing, 'request'> {
  const request: Tracing['request'] = (traceparent, handle) => {
    const caller = callerOf(traceparent);
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
    // A sampler sees no more than this; the route is known at the end only.
    const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
    contexts.with(trace.setSpan(parent, span), () => {
      handle(({ method, route, status, code }) => {
        span.updateName(route === null ? method : `${method} ${route}`);
        span.setAttributes({ 'http.request.method': method, 'http.response.status_code': status });
        if (route !== null) span.setAttribute('http.route', route);
        if (code !== null) span.setAttribute('error.type', code);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
    });
  };
  return { request };
}

export function webhookSpans(maker: SpanMaker): Pick<Tracing, 'webhook'> {
  const { tracer, ids } = maker;
  const webhook: Tracing['webhook'] = ({ channel, outcome, milliseconds, receipt }) => {
    const name = 'webhook';
    const attributes: Attributes = { 'inlet.outcome': outcome };
    if (channel !== null) attributes['inlet.channel'] = channel;
    const options = { kind: SpanKind.SERVER, attributes, startTime: Date.now() - milliseconds };
    if (!receipt) {
      tracer.startSpan(name, options, ROOT_CONTEXT).end();
      return;
    }
    attributes['inlet.delivery.id'] = receipt.delivery;
    // Each media item has its own trace, which begins here.
    for (const id of receipt.media.length > 0 ? receipt.media : [receipt.delivery]) {
      const begin = () =>
        tracer.startSpan(name, options, receipt.duplicate ? belowRootOf(maker, id) : ROOT_CONTEXT);
      (receipt.duplicate ? begin() : ids.as(rootOf(id), begin)).end();
    }
  };
  return { webhook };
}

export function mediaSpans(maker: SpanMaker): Pick<Tracing, 'fetch' | 'fetched' | 'previewed'> {
  const { tracer, contexts } = maker;
  const fetch: Tracing['fetch'] = async (mediaId, attempt) => {
    const parent = belowRootOf(maker, mediaId);
    const attributes = { 'inlet.media.id': mediaId };
    const span = tracer.startSpan('fetch media', { kind: SpanKind.CONSUMER, attributes }, parent);
    try {
      return await contexts.with(trace.setSpan(parent, span), attempt);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  };
  return {
    fetch,
    fetched: ({ outcome, host }) => {
      const span = activeSpan(maker)?.setAttributes({ 'inlet.outcome': outcome, 'server.address': host });
      if (outcome !== 'ready') span?.setStatus({ code: SpanStatusCode.ERROR });
    },
    previewed: (milliseconds) => {
      tracer.startSpan('make previews', { startTime: Date.now() - milliseconds }, contexts.active()).end();
    },
  };
}

export function messageSpans(maker: SpanMaker): Pick<Tracing, 'queued' | 'sent'> {
  const { tracer, ids } = maker;
  return {
    queued: (messageId) => {
      const root = rootOf(messageId);
      const requestSpan = activeSpan(maker)?.addLink({ context: { ...root, traceFlags: 1 } });
      const links = requestSpan ? [{ context: requestSpan.spanContext() }] : [];
      const options = {
        kind: SpanKind.PRODUCER,
        links,
        attributes: { 'inlet.message.id': messageId },
      };
      ids.as(root, () => tracer.startSpan('queue message', options, ROOT_CONTEXT)).end();
    },
    sent: ({ id, channel, outcome, milliseconds }) => {
      const attributes = { 'inlet.message.id': id, 'inlet.channel': channel, 'inlet.outcome': outcome };
      const startTime = Date.now() - milliseconds;
      const options = { kind: SpanKind.CLIENT, attributes, startTime };
      const span = tracer.startSpan('send message', options, belowRootOf(maker, id));
      if (outcome !== 'accepted') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

export function eventSpans(maker: SpanMaker): Pick<Tracing, 'posted'> {
  const { tracer } = maker;
  return {
    posted: ({ outcome, type, about, subscription, milliseconds }) => {
      const options = {
        kind: SpanKind.CLIENT,
        startTime: Date.now() - milliseconds,
        attributes: {
          'inlet.event.type': type,
          'inlet.subscription.id': subscription,
          'inlet.outcome': outcome,
        },
      };
      const parent = about === null ? ROOT_CONTEXT : belowRootOf(maker, about);
      const span = tracer.startSpan('post event', options, parent);
      if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** The span of the caller from the W3C `traceparent` header (https://www.w3.org/TR/trace-context/). */
function callerOf(traceparent: string | undefined) {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true };
  return trace.isSpanContextValid(context) ? context : undefined;
}
