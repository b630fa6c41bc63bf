/**
 * Webhooks: the channels that accept them, the inbox, and the spool for times when the database is
 * unavailable.
 */
import type { Config } from '../config.js';
import type { Pseudonym } from '../domain/pseudonym.js';
import { runExclusively } from '../infra/postgres/database.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createChannelActivity } from '../infra/tables/channel-activity.js';
import { createChannelTable } from '../infra/tables/channels.js';
import { createInbox } from '../infra/tables/inbox/inbox.js';
import { createManageChannels } from '../pipeline/channels/manage.js';
import { createPreview } from '../pipeline/channels/preview.js';
import { createChannelRegistry } from '../pipeline/channels/registry.js';
import { createReceive, createReceiveFetched, type EvaluateFor } from '../pipeline/receive/receive.js';
import { createSpooling } from '../pipeline/receive/spooling.js';
import { providers } from '../providers/index.js';
import type { Foundation } from './foundation.js';
import { channelSettings } from './stored-channels.js';

export type Receiving = ReturnType<typeof createReceiving>;

export function createReceiving(config: Config, foundation: Foundation, pseudonym: Pseudonym) {
  const { audit, database, databaseUrl, evaluator, logger, notifications, now, spool, spoolFolder } =
    foundation;
  const channelTable = createChannelTable(database.api);
  const sealed = channelSettings(config);
  const channels = createChannelRegistry({
    environmentChannels: config.channels,
    providers: providers,
    table: channelTable,
    sealed,
    notifications,
    logger,
    now,
  });
  const manageChannels = createManageChannels({
    providers: providers,
    registry: channels,
    table: channelTable,
    sealed,
    audit,
    now,
  });
  const inbox = createInbox(
    { pool: database.intake, pseudonym },
    (channel) => config.keepTexts.byChannel.get(channel) ?? config.keepTexts.common,
  );
  const evaluate: EvaluateFor = ({ id }) => evaluator.of(id);
  const spooling = createSpooling({
    spool,
    inbox,
    channels,
    evaluate,
    logger,
    runExclusively: (work) => runExclusively(databaseUrl, `spool ${spoolFolder}`, work),
  });
  const activity = createChannelActivity(database.work, logger);

  return {
    channels,
    manageChannels,
    inbox,
    spooling,
    activity,
    evaluate,
    preview: createWebhookPreview(config, foundation),
    receive: createReceive({ inbox, fallback: spooling, evaluate }),
    receiveFetched: createReceiveFetched({ inbox, evaluate }),
    close: async (budget: ShutdownBudget): Promise<void> => {
      channels.close();
      await Promise.all([
        budget.waitFor('the spool', spooling.close()),
        budget.waitFor('recording channel activity', activity.close()),
      ]);
    },
  };
}

function createWebhookPreview({ maxMediaBytes }: Config, { evaluator, now }: Foundation) {
  return createPreview({ providers, evaluate: evaluator.trial, maxMediaBytes, now });
}
