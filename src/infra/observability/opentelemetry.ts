/**
 * Sends traces to a collector as OTLP over HTTP, with OpenTelemetry. The only file that imports its packages;
 * nothing global is set.
 */
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

/** The number of spans that wait for the collector; further spans are dropped. */
const maxQueuedSpans = 2_048;
const perCall = 512;
/** At shutdown, all waiting spans may be in flight at once, besides one call that hangs. */
const maxCalls = maxQueuedSpans / perCall + 1;
const exportIntervalMs = 1_000;
/** The exporter's default timeout. */
const callTimeoutMs = 10_000;
const closeTimeoutMs = 1_500;

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
        exporter: withOutageLog(exporterFor(settings), logger),
        maxQueueSize: maxQueuedSpans,
        maxExportBatchSize: perCall,
        scheduledDelayMillis: exportIntervalMs,
        exportTimeoutMillis: callTimeoutMs,
      }),
    ],
  });
  const tracer = provider.getTracer('inlet');

  /** Attaches spans for the media item or message with this id to its first span. */
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
      const requestSpan = active()?.addLink({ context: { ...root, traceFlags: 1 } });
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
      const timeoutAbort = new AbortController();
      const timeout = delay(closeTimeoutMs, undefined, { signal: timeoutAbort.signal }).catch(
        () => undefined,
      );
      // If the collector is unavailable, the last spans are lost, too.
      await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
      timeoutAbort.abort();
      contexts.disable();
    },
  };
}

function exporterFor({ endpoint, headers }: TracingSettings): SpanExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  return new OTLPTraceExporter({ url, headers: { ...headers }, concurrencyLimit: maxCalls });
}

/**
 * Logs once when the collector stops accepting spans, and once when it accepts them again; never its
 * response.
 */
function withOutageLog(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isUnavailable = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !isUnavailable)
          logger.warn(
            { reason: result.error?.name },
            'the collector does not accept traces: they are dropped',
          );
        if (!failed && isUnavailable) logger.info('the collector accepts traces again');
        isUnavailable = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** The span of the caller from the W3C `traceparent` header (https://www.w3.org/TR/trace-context/). */
function callerOf(traceparent: string | undefined) {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true };
  return trace.isSpanContextValid(context) ? context : undefined;
}
