import { api, type SubscriptionView } from '../api.js';
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
      title="Create a new signing secret?"
      action="Create secret"
      onClose={onClose}
      onConfirm={async () => {
        const { secret } = await api.subscriptions.rotate(subscription.id);
        onRotated(secret);
      }}
    >
      <p>For one day, each request is signed with both secrets, so that your program can switch over.</p>
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
      title="Delete this subscription?"
      action="Delete"
      onClose={onClose}
      onConfirm={async () => {
        await api.subscriptions.delete(subscription.id);
        onDeleted();
      }}
    >
      <p>
        <code>{subscription.url}</code> will receive no more events.
      </p>
    </Confirm>
  );
}
