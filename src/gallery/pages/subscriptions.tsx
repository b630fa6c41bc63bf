import { useState } from 'preact/hooks';

import { api } from '../api.js';
import { t } from '../languages/text.js';
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
      <PageHead title={t('subscriptions.title')} lead={t('subscriptions.lead')}>
        <PageButton icon="plus" label={t('subscriptions.add')} onClick={form.open} />
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value?.length === 0 && (
        <Empty icon="subscriptions" title={t('subscriptions.none')}>
          <p>{t('subscriptions.none_text')}</p>
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
          title={t('subscriptions.secret_title')}
          explanation={t('subscriptions.secret_text')}
          secrets={[[t('subscriptions.secret'), secret]]}
          onClose={() => {
            setSecret(null);
          }}
        />
      )}
    </>
  );
}
