/** What traces tell, named by what it is told. Without a collector nothing of OpenTelemetry is loaded, and nothing is done. */
export interface TracingSettings {
  /** Base address of a collector that takes OTLP over HTTP: `/v1/traces` is added. */
  readonly endpoint: string;
  /** Sent with every call of the collector; may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly sampler: SamplerName;
  /** Of the ratio samplers: from 0 to 1. */
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

/** How a request was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** The route's pattern, never the path; null: there is no such route. */
  readonly route: string | null;
  readonly status: number;
  /** Of the problem, where it is one. */
  readonly code: string | null;
}

/**
 * Spans hold ids of our own, channels, hosts, outcomes and codes; nothing that a person or a stranger has written.
 *
 * What belongs to one media has one trace, whichever processes had a hand in it: its trace id is the media's id without
 * hyphens. So has each message that is sent, and each webhook that brought no media. Nothing has to travel with a job.
 */
export interface Tracing {
  /** Runs `handle` inside the span of a request, which goes on the caller's trace where it names one; it ends with `answered`. */
  readonly request: (
    traceparent: string | undefined,
    handle: (answered: (answer: AnsweredRequest) => void) => void,
  ) => void;
  /** A webhook was answered. */
  readonly webhook: (seen: {
    readonly channel: string | null;
    readonly outcome: string;
    readonly milliseconds: number;
    /** Null: it was refused. */
    readonly receipt: {
      readonly delivery: string;
      readonly media: readonly string[];
      readonly duplicate: boolean;
    } | null;
  }) => void;
  /** Runs an attempt to fetch a media inside its span. */
  readonly fetch: <T>(mediaId: string, attempt: () => Promise<T>) => Promise<T>;
  /** How the attempt that is under way here ended. */
  readonly fetched: (ended: { readonly outcome: string; readonly host: string }) => void;
  /** Previews were made, for whatever is under way here. */
  readonly previewed: (milliseconds: number) => void;
  /** A message was queued, by the request that is under way here. */
  readonly queued: (messageId: string) => void;
  /** A message was handed to its provider. */
  readonly sent: (message: {
    readonly id: string;
    readonly channel: string;
    readonly outcome: string;
    readonly milliseconds: number;
  }) => void;
  /** An event was posted to a subscriber. */
  readonly posted: (post: {
    readonly outcome: 'delivered' | 'failed';
    readonly type: string;
    /** Of the media or the sent message that it is about; null: of neither. */
    readonly about: string | null;
    readonly subscription: string;
    readonly milliseconds: number;
  }) => void;
  /** Hands over what there is; waits no longer than 1.5 seconds for a collector. */
  readonly close: () => Promise<void>;
}

const nothing = (): void => undefined;

export const noTracing: Tracing = {
  request: (_, handle) => {
    handle(nothing);
  },
  fetch: (_, attempt) => attempt(),
  webhook: nothing,
  fetched: nothing,
  previewed: nothing,
  queued: nothing,
  sent: nothing,
  posted: nothing,
  close: () => Promise.resolve(),
};
