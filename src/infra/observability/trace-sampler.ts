import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';

import type { TracingSettings } from './tracing.js';

export interface Samplers {
  readonly sampler: Sampler;
  /** Whether the first span of this trace is sampled; every process decides the same. */
  readonly isSampled: (traceId: string) => boolean;
}

/** The SDK reads `OTEL_TRACES_SAMPLER` only in larger packages. */
export function samplersFor({ sampler: name, ratio }: Pick<TracingSettings, 'sampler' | 'ratio'>): Samplers {
  const root = rootSampler(name.replace('parentbased_', ''), ratio);
  return {
    sampler: name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root,
    isSampled: (traceId) =>
      root.shouldSample(ROOT_CONTEXT, traceId, '', SpanKind.INTERNAL, {}, []).decision ===
      SamplingDecision.RECORD_AND_SAMPLED,
  };
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_on') return new AlwaysOnSampler();
  return name === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}
