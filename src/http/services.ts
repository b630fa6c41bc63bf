/** Everything that routes may ask for. Each route names what it needs: `Pick<RouteServices, 'audit' | 'lookup'>`. */
import type { RequestHandler } from 'express';

import type { LinkSigner } from '../domain/signed-link.js';
import type { ProviderKind } from '../domain/provider-kind.js';
import type { BlobStore } from '../infra/files/blob-store.js';
import type { Staging } from '../infra/files/staging.js';
import type { StorageProblem } from '../infra/files/storage-problem.js';
import type { GuardedPost } from '../infra/net/guarded-post.js';
import type { Metrics } from '../infra/observability/metrics.js';
import type { Notifications } from '../infra/postgres/notifications.js';
import type { Spool } from '../infra/spool/spool.js';
import type { Audit } from '../infra/tables/audit.js';
import type { ChannelActivity } from '../infra/tables/channel-activity.js';
import type { Erasure } from '../infra/tables/erasure/erasure.js';
import type { EventLog } from '../infra/tables/events/log.js';
import type { SubscriptionTable } from '../infra/tables/events/subscriptions.js';
import type { Inbox } from '../infra/tables/inbox/inbox.js';
import type { Lookup } from '../infra/tables/media/lookup.js';
import type { MediaTable } from '../infra/tables/media/media.js';
import type { OutboundTable } from '../infra/tables/sending/outbound.js';
import type { Stats } from '../infra/tables/stats.js';
import type { ManageChannels } from '../pipeline/channels/manage.js';
import type { ChannelRegistry } from '../pipeline/channels/registry.js';
import type { Erase } from '../pipeline/housekeeping/erase.js';
import type { Store } from '../pipeline/media/store.js';
import type { Attempt } from '../pipeline/notify.js';
import type { QueueMessage } from '../pipeline/send/queue-message.js';
import type { Tokens } from '../pipeline/tokens.js';
import type { RequestServices } from './middleware/requests.js';
import type { Refusals, WebhookServices } from './webhooks/intake.js';

/** What the app is made from. */
export interface AppServices extends Omit<WebhookServices, 'channels' | 'activity'>, RequestServices {
  readonly activity: ChannelActivity;
  readonly audit: Audit;
  readonly blobs: BlobStore;
  readonly channels: ChannelRegistry;
  readonly erase: Erase;
  readonly erasure: Pick<Erasure, 'knowsChannel'>;
  readonly events: EventLog;
  readonly inbox: Inbox;
  readonly links: LinkSigner;
  readonly lookup: Lookup;
  readonly manageChannels: ManageChannels;
  readonly metrics: Metrics;
  readonly notifications: Notifications;
  readonly outbound: OutboundTable;
  readonly post: GuardedPost;
  /** Posts a signed message, once. */
  readonly postSigned: (call: {
    readonly url: string;
    readonly secrets: readonly string[];
    readonly message: { readonly id: string; readonly body: string };
  }) => Promise<Attempt>;
  readonly providers: readonly ProviderKind[];
  readonly publicUrl: string;
  readonly queueMessage: QueueMessage;
  readonly readiness: Readiness;
  readonly spool: Pick<Spool, 'count'>;
  readonly staging: Staging;
  readonly stats: Stats;
  /** Aborted when the process is to end: streams end then, and callers that wait are answered with what is known. */
  readonly stopping: AbortSignal;
  readonly store: Store;
  readonly subscriptions: SubscriptionTable;
  readonly table: MediaTable;
  readonly tokens: Tokens;
}

/** What the app makes itself. */
export interface RouteServices extends AppServices {
  /** Asked when the proof of a webhook has failed; rejects the request if there were too many. */
  readonly failedProofLimit: RequestHandler;
  /** Asked when a sign-in has failed; rejects the request if there were too many. */
  readonly failedSignInLimit: RequestHandler;
  /** The largest file of an upload, in bytes. */
  readonly maxUploadBytes: number;
  /** The description of all routes. */
  readonly openApiDocument: () => object;
  readonly refusals: Refusals;
}

export interface Readiness {
  /** Rejects, or does not answer, when the database is away. */
  readonly database: () => Promise<unknown>;
  /** What becomes of webhooks: `here`, they go to the database. */
  readonly spooling: () => 'here' | 'spooling' | 'refusing';
  /** Whether jobs are taken; true where this process takes none. */
  readonly queue: () => boolean;
  /** What keeps files from being written; undefined: nothing does. May take long to answer. */
  readonly uploads: () => Promise<Pick<StorageProblem, 'reason'> | undefined>;
  /** Aborted when the process is on its way out. */
  readonly stopping: AbortSignal;
}
