import type { Logger } from '../logging/logger.js';
import { noTracing, type Tracing, type TracingSettings } from './tracing.js';

/**
 * Loads OpenTelemetry if a collector is configured. Without `settings` there are no traces, and nothing is
 * loaded.
 */
export async function openTracing(settings: TracingSettings | undefined, logger: Logger): Promise<Tracing> {
  if (!settings) return noTracing;
  const { startTracing } = await import('./opentelemetry.js');
  return startTracing(settings, logger);
}
