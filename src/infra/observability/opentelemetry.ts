/**
 * Traces with OpenTelemetry. Only the `trace-*` files beside it import its packages; nothing global is set.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';

import type { Logger } from '../logging/logger.js';
import { createSpanExport, serviceResource } from './trace-export.js';
import { createTraceIds } from './trace-ids.js';
import { samplersFor } from './trace-sampler.js';
import { eventSpans, mediaSpans, messageSpans, requestSpans, webhookSpans } from './trace-spans.js';
import type { Tracing, TracingSettings } from './tracing.js';

const closeTimeoutMs = 1_500;

export function startTracing(settings: TracingSettings, logger: Logger): Tracing {
  const contexts = new AsyncLocalStorageContextManager().enable();
  const ids = createTraceIds();
  const { sampler, isSampled } = samplersFor(settings);
  const provider = new TracerProvider({
    sampler,
    idGenerator: ids.generator,
    resource: serviceResource(settings),
    spanProcessors: [createSpanExport(settings, logger)],
  });
  const maker = { tracer: provider.getTracer('inlet'), contexts, ids, isSampled };
  return {
    ...requestSpans(maker),
    ...webhookSpans(maker),
    ...mediaSpans(maker),
    ...messageSpans(maker),
    ...eventSpans(maker),
    close: async () => {
      await shutDown(provider);
      contexts.disable();
    },
  };
}

/** If the collector is unavailable, the last spans are lost, too. */
async function shutDown(provider: TracerProvider): Promise<void> {
  const timeoutAbort = new AbortController();
  const timeout = delay(closeTimeoutMs, undefined, { signal: timeoutAbort.signal }).catch(() => undefined);
  await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
  timeoutAbort.abort();
}
