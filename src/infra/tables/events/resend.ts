/** Posts events to a subscription again. */
import { AppError } from '../../../domain/errors.js';
import { transaction, type Pool, type Together } from '../../postgres/database.js';
import { addJobNow } from './subscription-changes.js';
import type { ResendRequest, Resent } from './subscription.js';

/** The maximum number of events of one request. */
const maxResent = 10_000;

/** Throws `event.not_found` if one event is requested and cannot be posted. */
export function resendEvents(
  pool: Pool,
  { id, request }: { readonly id: string; readonly request: ResendRequest },
  together: Together,
): Promise<Resent> {
  return transaction(pool, async (connection) => {
    const { rows } = await ('notificationId' in request
      ? connection.query<Resent>(resendOne, [id, request.notificationId])
      : connection.query<Resent>(resendRange, [id, request.from, request.until]));
    const [resent = { count: 0, next: null }] = rows;
    if ('notificationId' in request && resent.count === 0)
      throw new AppError('event.not_found', 'there is no such event for this subscription, or no longer');
    await connection.query(addJobNow, [id]);
    await together(connection);
    return resent;
  });
}

/**
 * Events that still wait are posted at once instead of twice. A pause ends, because an administrator has
 * asked.
 */
const resendStatement = (condition: string): string => `
with wanted as materialized (
  select n.id, n.type, n.seq, n.created_at, row_number() over (order by n.created_at, n.id) as place
  from notification as n join subscription as s on s.id = $1
  where n.seq is not null and (s.types = '{}' or n.type = any(s.types)) and (s.channels = '{}' or n.channel = any(s.channels))
    and ${condition}
  order by n.created_at, n.id limit ${String(maxResent + 1)}
), chosen as (
  select * from wanted where place <= ${String(maxResent)}
), hurried as (
  update notification_delivery set next_at = now(), first_failed_at = null
  where subscription_id = $1 and settled_at is null and notification_id in (select id from chosen)
  returning notification_id
), added as (
  insert into notification_delivery (subscription_id, notification_id, type, next_at)
  select $1, id, type, clock_timestamp() from chosen
  where not exists (select from notification_delivery as way where way.subscription_id = $1 and way.settled_at is null
                      and way.notification_id = chosen.id)
  order by seq
), awake as (
  update subscription set paused_until = null where id = $1
)
select (select count(*)::int from chosen) as count,
       (select created_at from wanted where place = ${String(maxResent + 1)}) as next`;
const resendOne = resendStatement('n.id = $2');
const resendRange = resendStatement(
  `n.created_at >= $2 and n.created_at < coalesce($3::timestamptz, 'infinity')`,
);
