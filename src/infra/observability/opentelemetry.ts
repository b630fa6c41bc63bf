/** Traces by OpenTelemetry, sent to a collector as OTLP over HTTP. The only file that knows its packages; nothing global is set. */
import { setTimeout as delay } from 'node:timers/promises';

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';

import type { Logger } from '../logging/logger.js';
import { createTraceIds, rootOf } from './trace-ids.js';
import { samplersFor } from './trace-sampler.js';
import type { Tracing, TracingSettings } from './tracing.js';

/** Spans that wait for the collector; what comes on top of them is dropped. */
const mostWaiting = 2_048;
const perCall = 512;
/** Everything that waits may be on its way at once when the process ends, and one call that hangs. */
const mostCalls = mostWaiting / perCall + 1;
const sendEveryMs = 1_000;
/** As long as the exporter tries by default. */
const callMs = 10_000;
const lastCallMs = 1_500;

export function startTracing(settings: TracingSettings, logger: Logger): Tracing {
  const contexts = new AsyncLocalStorageContextManager().enable();
  const ids = createTraceIds();
  const { sampler, isSampled } = samplersFor(settings);
  const provider = new TracerProvider({
    sampler,
    idGenerator: ids.generator,
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': settings.serviceName })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(exporterFor(settings), logger),
        maxQueueSize: mostWaiting,
        maxExportBatchSize: perCall,
        scheduledDelayMillis: sendEveryMs,
        exportTimeoutMillis: callMs,
      }),
    ],
  });
  const tracer = provider.getTracer('inlet');

  /** What is done for the media or message with this id hangs on what began it. */
  const belowRootOf = (id: string) => {
    const root = rootOf(id);
    return trace.setSpanContext(ROOT_CONTEXT, {
      ...root,
      isRemote: true,
      traceFlags: isSampled(root.traceId) ? 1 : 0,
    });
  };
  const active = (): Span | undefined => trace.getSpan(contexts.active());

  const request: Tracing['request'] = (traceparent, handle) => {
    const caller = callerOf(traceparent);
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
    // A sampler gets to see no more than this; the route is known at the end only.
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
    // Each media has its own trace, and this is where it begins.
    for (const id of receipt.media.length > 0 ? receipt.media : [receipt.delivery]) {
      const begin = () => tracer.startSpan(name, options, receipt.duplicate ? belowRootOf(id) : ROOT_CONTEXT);
      (receipt.duplicate ? begin() : ids.as(rootOf(id), begin)).end();
    }
  };

  const fetch: Tracing['fetch'] = async (mediaId, attempt) => {
    const parent = belowRootOf(mediaId);
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
    request,
    webhook,
    fetch,
    fetched: ({ outcome, host }) => {
      const span = active()?.setAttributes({ 'inlet.outcome': outcome, 'server.address': host });
      if (outcome !== 'ready') span?.setStatus({ code: SpanStatusCode.ERROR });
    },
    previewed: (milliseconds) => {
      tracer.startSpan('make previews', { startTime: Date.now() - milliseconds }, contexts.active()).end();
    },
    queued: (messageId) => {
      const root = rootOf(messageId);
      const asked = active()?.addLink({ context: { ...root, traceFlags: 1 } });
      const links = asked ? [{ context: asked.spanContext() }] : [];
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
      const span = tracer.startSpan('send message', options, belowRootOf(id));
      if (outcome !== 'accepted') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
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
      const parent = about === null ? ROOT_CONTEXT : belowRootOf(about);
      const span = tracer.startSpan('post event', options, parent);
      if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    close: async () => {
      const late = new AbortController();
      const patience = delay(lastCallMs, undefined, { signal: late.signal }).catch(() => undefined);
      // A collector that is away costs the last spans, too.
      await Promise.race([provider.shutdown().catch(() => undefined), patience]);
      late.abort();
      contexts.disable();
    },
  };
}

function exporterFor({ endpoint, headers }: TracingSettings): SpanExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  return new OTLPTraceExporter({ url, headers: { ...headers }, concurrencyLimit: mostCalls });
}

/** Says once that the collector does not take spans, and once that it does again; never what it answered. */
function reporting(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !isAway)
          logger.warn({ reason: result.error?.name }, 'the collector takes no traces: they are dropped');
        if (!failed && isAway) logger.info('the collector takes traces again');
        isAway = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** The span of the caller, as the W3C's `traceparent` names it (https://www.w3.org/TR/trace-context/). */
function callerOf(traceparent: string | undefined) {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true };
  return trace.isSpanContextValid(context) ? context : undefined;
}
