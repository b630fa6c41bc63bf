/** Sends finished spans to a collector as OTLP over HTTP. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';

import type { Logger } from '../logging/logger.js';
import type { TracingSettings } from './tracing.js';

/** The number of spans that wait for the collector; further spans are dropped. */
const maxQueuedSpans = 2_048;
const perCall = 512;
/** At shutdown, all waiting spans may be in flight at once, besides one call that hangs. */
const maxCalls = maxQueuedSpans / perCall + 1;
const exportIntervalMs = 1_000;
/** The exporter's default timeout. */
const callTimeoutMs = 10_000;

export function createSpanExport(settings: TracingSettings, logger: Logger): SpanProcessor {
  return new BatchSpanProcessor({
    exporter: withOutageLog(exporterFor(settings), logger),
    maxQueueSize: maxQueuedSpans,
    maxExportBatchSize: perCall,
    scheduledDelayMillis: exportIntervalMs,
    exportTimeoutMillis: callTimeoutMs,
  });
}

/** The properties of this service that every span carries. */
export function serviceResource({ serviceName }: Pick<TracingSettings, 'serviceName'>): Resource {
  return defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': serviceName }));
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
