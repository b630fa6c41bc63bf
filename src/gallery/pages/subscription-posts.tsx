import { useState } from 'preact/hooks';

import { api, type NotificationDeliveryView } from '../api.js';
import { ago, duration } from '../format.js';
import { t } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import { TableCard } from '../parts/table-card.js';
import { useLoad } from '../use-load.js';

/**
 * The latest events that were posted to one subscription, with each attempt, and a button that posts an event
 * again.
 */
export function SubscriptionPosts({ id }: { readonly id: string }) {
  const { value, error, reload } = useLoad(() => api.subscriptions.deliveries(id, { limit: 20 }));
  const [problem, setProblem] = useState<unknown>();
  const resend = async (event: string): Promise<void> => {
    setProblem(undefined);
    try {
      await api.subscriptions.resend(id, { event });
      reload();
    } catch (refusal) {
      setProblem(refusal);
    }
  };
  return (
    <>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {problem !== undefined && <Problem error={problem} />}
      {value?.length === 0 && <p class="hint">{t('posts.nothing')}</p>}
      {value !== undefined && value.length > 0 && (
        <TableCard
          label={t('subscription.posts')}
          columns={[t('posts.event'), t('posts.state'), t('posts.attempts')]}
          actions={t('common.actions')}
        >
          {value.map((post) => (
            <tr key={post.id}>
              <td>
                <code>{post.type ?? t('posts.event')}</code>
                <br />
                <small class="hint">
                  {post.event} · {ago(post.createdAt)}
                </small>
                {post.payload !== null && (
                  <details>
                    <summary>{t('posts.payload')}</summary>
                    <pre>{JSON.stringify(post.payload, null, 2)}</pre>
                  </details>
                )}
              </td>
              <td>{t(`post_state.${post.state}`)}</td>
              <td>
                <Attempts post={post} />
              </td>
              <td>
                <button
                  type="button"
                  class="button small"
                  aria-label={t('posts.again_event', { event: post.event })}
                  disabled={post.payload === null}
                  onClick={() => void resend(post.event)}
                >
                  {t('posts.again')}
                </button>
              </td>
            </tr>
          ))}
        </TableCard>
      )}
    </>
  );
}

function Attempts({ post }: { readonly post: NotificationDeliveryView }) {
  const { history, nextAttemptAt, attempts } = post;
  return (
    <>
      {history.map(({ at, status, error, durationMs, answer }) => (
        <div key={at}>
          {status ?? t('posts.no_response')} · {duration(durationMs / 1000)} · {ago(at)}
          {status === null && error !== null && <small class="hint"> {error}</small>}
          {answer !== null && <small class="hint"> {answer}</small>}
        </div>
      ))}
      {nextAttemptAt !== null && attempts > 0 && (
        <small class="hint">{t('posts.next', { ago: ago(nextAttemptAt) })}</small>
      )}
    </>
  );
}
