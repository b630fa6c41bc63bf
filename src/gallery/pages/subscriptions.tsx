import { useState } from 'preact/hooks';

import { api } from '../api.js';
import { Empty } from '../parts/empty.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { useLoad } from '../use-load.js';
import { useOpen } from '../use-open.js';
import { AddSubscription } from './add-subscription.js';
import { SubscriptionCard } from './subscription-card.js';

export function SubscriptionsPage() {
  const { value, error, reload } = useLoad(api.subscriptions.list);
  const form = useOpen();
  const [secret, setSecret] = useState<string | null>(null);
  const showAdded = (added: string): void => {
    form.close();
    setSecret(added);
    reload();
  };
  return (
    <>
      <PageHead
        title="Subscriptions"
        lead="URLs that receive a signed POST when a file is ready, fails or is rejected, and when the status of a message changes. Signatures follow Standard Webhooks."
      >
        <PageButton icon="plus" label="Add subscription" onClick={form.open} />
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value?.length === 0 && (
        <Empty icon="subscriptions" title="No subscriptions yet">
          <p>Add a URL and Inlet will POST every event to it.</p>
        </Empty>
      )}
      <ul class="cards">
        {value?.map((subscription) => (
          <SubscriptionCard
            key={subscription.id}
            subscription={subscription}
            onChange={reload}
            onSecret={setSecret}
          />
        ))}
      </ul>
      {form.isOpen && <AddSubscription onClose={form.close} onAdded={showAdded} />}
      {secret !== null && (
        <SecretOnce
          title="Signing secret"
          explanation="This secret is shown only once. Use it to verify that requests come from Inlet."
          secrets={[['Secret', secret]]}
          onClose={() => {
            setSecret(null);
          }}
        />
      )}
    </>
  );
}
