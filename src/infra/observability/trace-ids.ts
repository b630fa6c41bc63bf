/** Ids of traces and spans: those that follow from an id of ours, so that every process knows them, and others by chance. */
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace';

export interface SpanIds {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

/** The trace of the thing with this UUID, and the span that began it: its second half, of which 62 bits are chance. */
export function rootOf(uuid: string): SpanIds {
  const traceId = uuid.replaceAll('-', '');
  return { traceId, spanId: traceId.slice(16) };
}

export interface TraceIds {
  readonly generator: IdGenerator;
  /** Begins a span with these ids: the SDK asks its generator while it does so, and takes no ids otherwise. */
  readonly as: <T>(ids: SpanIds, begin: () => T) => T;
}

export function createTraceIds(): TraceIds {
  const chance = new RandomIdGenerator();
  let wanted: SpanIds | undefined;
  return {
    generator: {
      generateTraceId: () => wanted?.traceId ?? chance.generateTraceId(),
      generateSpanId: () => wanted?.spanId ?? chance.generateSpanId(),
    },
    as: (ids, begin) => {
      wanted = ids;
      try {
        return begin();
      } finally {
        wanted = undefined;
      }
    },
  };
}
