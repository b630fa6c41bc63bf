import { api, type SubscriptionView } from '../api.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';

interface RotateProps {
  readonly subscription: SubscriptionView;
  /** Receives the new signing secret. */
  readonly onRotated: (secret: string) => void;
  readonly onClose: () => void;
}

export function RotateSubscription({ subscription, onRotated, onClose }: RotateProps) {
  return (
    <Confirm
      title={t('subscription.rotate_title')}
      action={t('channel.create_secret')}
      onClose={onClose}
      onConfirm={async () => {
        const { secret } = await api.subscriptions.rotate(subscription.id);
        onRotated(secret);
      }}
    >
      <p>{t('subscription.rotate_text')}</p>
    </Confirm>
  );
}

interface DeleteProps {
  readonly subscription: SubscriptionView;
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

export function DeleteSubscription({ subscription, onDeleted, onClose }: DeleteProps) {
  return (
    <Confirm
      title={t('subscription.delete_title')}
      action={t('common.delete')}
      onClose={onClose}
      onConfirm={async () => {
        await api.subscriptions.delete(subscription.id);
        onDeleted();
      }}
    >
      <p>
        <Rich id="subscription.delete_text" values={{ url: subscription.url }} />
      </p>
    </Confirm>
  );
}
