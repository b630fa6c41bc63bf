/** The tracing interface. Without a collector, OpenTelemetry is not loaded and nothing is recorded. */
export interface TracingSettings {
  /** The base URL of a collector that accepts OTLP over HTTP; `/v1/traces` is appended. */
  readonly endpoint: string;
  /** Sent with every call to the collector; may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly sampler: SamplerName;
  /** The ratio of the ratio samplers, from 0 to 1. */
  readonly ratio: number;
}

export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];
export type SamplerName = (typeof samplerNames)[number];

/** The response to a request. */
export interface AnsweredRequest {
  readonly method: string;
  /** The route's pattern, never the path; null if there is no such route. */
  readonly route: string | null;
  readonly status: number;
  /** The error code, if it is an error. */
  readonly code: string | null;
}

/**
 * Spans contain ids of the service, channels, hosts, outcomes and codes, and nothing that a person or a
 * stranger has written.
 *
 * Each media item has one trace across all processes: its trace id is the media id without hyphens. The same
 * applies to each sent message, and to each webhook without media. No context has to travel with a job.
 */
export interface Tracing {
  /**
   * Runs `handle` inside the span of a request, which continues the caller's trace if there is one;
   * `answered` ends it.
   */
  readonly request: (
    traceparent: string | undefined,
    handle: (answered: (answer: AnsweredRequest) => void) => void,
  ) => void;
  /** Records an answered webhook. */
  readonly webhook: (seen: {
    readonly channel: string | null;
    readonly outcome: string;
    readonly milliseconds: number;
    /** Null if it was refused. */
    readonly receipt: {
      readonly delivery: string;
      readonly media: readonly string[];
      readonly duplicate: boolean;
    } | null;
  }) => void;
  /** Runs a download attempt inside its span. */
  readonly fetch: <T>(mediaId: string, attempt: () => Promise<T>) => Promise<T>;
  /** Records how the current attempt ended. */
  readonly fetched: (ended: { readonly outcome: string; readonly host: string }) => void;
  /** Records previews that were made for the current work. */
  readonly previewed: (milliseconds: number) => void;
  /** Records a message that the current request has queued. */
  readonly queued: (messageId: string) => void;
  /** Records a message that was passed to its provider. */
  readonly sent: (message: {
    readonly id: string;
    readonly channel: string;
    readonly outcome: string;
    readonly milliseconds: number;
  }) => void;
  /** Records an event that was posted to a subscriber. */
  readonly posted: (post: {
    readonly outcome: 'delivered' | 'failed';
    readonly type: string;
    /** The id of the media item or sent message that it concerns; null if neither. */
    readonly about: string | null;
    readonly subscription: string;
    readonly milliseconds: number;
  }) => void;
  /** Sends the remaining spans; waits at most 1.5 seconds for the collector. */
  readonly close: () => Promise<void>;
}

const ignore = (): void => undefined;

export const noTracing: Tracing = {
  request: (_, handle) => {
    handle(ignore);
  },
  fetch: (_, attempt) => attempt(),
  webhook: ignore,
  fetched: ignore,
  previewed: ignore,
  queued: ignore,
  sent: ignore,
  posted: ignore,
  close: () => Promise.resolve(),
};
