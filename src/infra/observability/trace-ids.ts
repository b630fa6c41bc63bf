/**
 * Ids of traces and spans: ids derived from an id of the service, so that every process knows them, and
 * random ones.
 */
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace';

export interface SpanIds {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

/**
 * The trace of the object with this UUID, and its first span: the second half of the UUID, with 62 random
 * bits.
 */
export function rootOf(uuid: string): SpanIds {
  const traceId = uuid.replaceAll('-', '');
  return { traceId, spanId: traceId.slice(16) };
}

export interface TraceIds {
  readonly generator: IdGenerator;
  /** Begins a span with these ids: the SDK asks its generator meanwhile and accepts no ids otherwise. */
  readonly as: <T>(ids: SpanIds, begin: () => T) => T;
}

export function createTraceIds(): TraceIds {
  const random = new RandomIdGenerator();
  let forced: SpanIds | undefined;
  return {
    generator: {
      generateTraceId: () => forced?.traceId ?? random.generateTraceId(),
      generateSpanId: () => forced?.spanId ?? random.generateSpanId(),
    },
    as: (ids, begin) => {
      forced = ids;
      try {
        return begin();
      } finally {
        forced = undefined;
      }
    },
  };
}
