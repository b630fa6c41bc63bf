/**
 * The services of the routes. Each route declares which ones it needs: `Pick<RouteServices, 'audit' |
 * 'lookup'>`.
 */
import type { RequestHandler } from 'express';

import type { LinkSigner } from '../domain/signed-link.js';
import type { Pseudonym } from '../domain/pseudonym.js';
import type { ProviderKind } from '../domain/provider-kind.js';
import type { BlobStore } from '../infra/files/blob-store.js';
import type { RecentBytes } from '../infra/files/recent-bytes.js';
import type { Staging } from '../infra/files/staging.js';
import type { StorageProblem } from '../infra/files/storage-problem.js';
import type { GuardedPost } from '../infra/net/guarded-post.js';
import type { Metrics } from '../infra/observability/metrics.js';
import type { Notifications } from '../infra/postgres/notifications.js';
import type { Spool } from '../infra/spool/spool.js';
import type { OpenAlerts } from '../infra/tables/alerts.js';
import type { Audit } from '../infra/tables/audit.js';
import type { ChannelActivity } from '../infra/tables/channel-activity.js';
import type { Erasure } from '../infra/tables/erasure/erasure.js';
import type { EventLog } from '../infra/tables/events/log.js';
import type { SubscriptionTable } from '../infra/tables/events/subscriptions.js';
import type { Inbox } from '../infra/tables/inbox/inbox.js';
import type { AnnotationTable } from '../infra/tables/media/annotations.js';
import type { EvidenceSource } from '../infra/tables/media/evidence.js';
import type { FactTable } from '../infra/tables/media/facts.js';
import type { FavouriteTable } from '../infra/tables/media/favourites.js';
import type { Lookup } from '../infra/tables/media/lookup.js';
import type { FindSimilar } from '../infra/tables/media/similar.js';
import type { MediaTable } from '../infra/tables/media/media.js';
import type { People } from '../infra/tables/people/people.js';
import type { Timeline } from '../infra/tables/people/timeline.js';
import type { SavedViewTable } from '../infra/tables/saved-views.js';
import type { OutboundTable } from '../infra/tables/sending/outbound.js';
import type { Stats } from '../infra/tables/stats.js';
import type { Backfill } from '../pipeline/channels/backfill.js';
import type { ConnectChannels } from '../pipeline/channels/connect.js';
import type { ManageChannels } from '../pipeline/channels/manage.js';
import type { PreviewWebhook } from '../pipeline/channels/preview.js';
import type { ChannelRegistry } from '../pipeline/channels/registry.js';
import type { Holds } from '../pipeline/holds.js';
import type { Erase } from '../pipeline/housekeeping/erase.js';
import type { AddUpload } from '../pipeline/media/add-upload.js';
import type { DocumentPages } from '../pipeline/media/document-pages.js';
import type { Attempt } from '../pipeline/notify.js';
import type { EvaluateFor } from '../pipeline/receive/receive.js';
import type { QueueMessage } from '../pipeline/send/queue-message.js';
import type { Shares } from '../pipeline/shares.js';
import type { Tokens } from '../pipeline/tokens.js';
import type { Invitations } from '../pipeline/users/invitations.js';
import type { ProviderSignIn } from '../pipeline/users/provider-sign-in.js';
import type { Sessions } from '../pipeline/users/sessions.js';
import type { Users } from '../pipeline/users/users.js';
import type { RequestServices } from './middleware/requests.js';
import type { Refusals, WebhookServices } from './webhooks/intake.js';

/** The services that the app is given. */
export interface AppServices extends Omit<WebhookServices, 'channels' | 'activity'>, RequestServices {
  readonly activity: ChannelActivity;
  readonly addUpload: AddUpload;
  readonly annotations: AnnotationTable;
  readonly audit: Audit;
  readonly backfill: Backfill;
  readonly blobs: BlobStore;
  readonly channels: ChannelRegistry;
  readonly connectChannels: ConnectChannels;
  readonly documentPages: DocumentPages;
  readonly erase: Erase;
  readonly erasure: Pick<Erasure, 'knowsChannel'>;
  readonly evaluate: EvaluateFor;
  readonly evidenceSource: EvidenceSource;
  readonly facts: FactTable;
  readonly favourites: FavouriteTable;
  readonly findSimilar: FindSimilar;
  readonly events: EventLog;
  readonly guardedPost: GuardedPost;
  /** Whether somebody can sign in with a password. */
  readonly hasPasswords: () => Promise<boolean>;
  readonly holds: Holds;
  readonly inbox: Inbox;
  readonly invitations: Invitations;
  readonly links: LinkSigner;
  readonly lookup: Lookup;
  readonly manageChannels: ManageChannels;
  readonly mediaTable: MediaTable;
  readonly metrics: Metrics;
  readonly notifications: Notifications;
  readonly openAlerts: OpenAlerts;
  readonly outbound: OutboundTable;
  readonly people: People;
  /** Posts a signed message, once. */
  readonly preview: PreviewWebhook;
  readonly postSigned: (call: {
    readonly url: string;
    readonly secrets: readonly string[];
    readonly message: { readonly id: string; readonly body: string };
  }) => Promise<Attempt>;
  readonly providers: readonly ProviderKind[];
  /** Sign-in with the identity provider; undefined if there is none. */
  readonly providerSignIn: ProviderSignIn | undefined;
  /** Names people in the audit trail. */
  readonly pseudonym: Pseudonym;
  readonly publicUrl: string;
  readonly queueMessage: QueueMessage;
  readonly readiness: Readiness;
  readonly savedViews: SavedViewTable;
  readonly sessions: Sessions;
  readonly shares: Shares;
  readonly spool: Pick<Spool, 'count'>;
  readonly staging: Staging;
  readonly stats: Stats;
  /** Aborts at shutdown: streams then end, and waiting callers receive the current state. */
  readonly stopping: AbortSignal;
  readonly subscriptions: SubscriptionTable;
  readonly timeline: Timeline;
  readonly tokens: Tokens;
  readonly users: Users;
  /** Of the service. */
  readonly version: string;
}

/** All services, including those that the app creates itself. */
export interface RouteServices extends AppServices {
  /** Called when the verification of a webhook has failed; rejects the request after too many failures. */
  readonly failedProofLimit: RequestHandler;
  /** Called when somebody has opened a link of a share that does not exist. */
  readonly failedShareLimit: RequestHandler;
  /** Called when signing in with a token has failed; rejects the request after too many failures. */
  readonly failedSignInLimit: RequestHandler;
  /**
   * Called before a password or the secret of an invitation is checked; rejects the request after too many failures.
   */
  readonly signInLimit: RequestHandler;
  /**
   * Called before this service asks the identity provider; rejects the request after too many failures.
   */
  readonly providerSignInLimit: RequestHandler;
  /** The largest file of an upload, in bytes. */
  readonly maxUploadBytes: number;
  /** The OpenAPI document of all routes. */
  readonly openApiDocument: () => object;
  readonly recentBytes: RecentBytes;
  readonly refusals: Refusals;
}

export interface Readiness {
  /** Rejects, or does not settle, while the database is unavailable. */
  readonly database: () => Promise<unknown>;
  /** Where webhooks are stored: `here` means the database. */
  readonly spooling: () => 'here' | 'spooling' | 'refusing';
  /** Whether jobs are processed; true if this process is not meant to process any. */
  readonly queue: () => boolean;
  /** The reason why files cannot be written, if there is one. May take long. */
  readonly uploads: () => Promise<Pick<StorageProblem, 'reason'> | undefined>;
  /** Aborts at shutdown. */
  readonly stopping: AbortSignal;
}
