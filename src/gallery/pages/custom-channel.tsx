import { useState } from 'preact/hooks';

import { api, type ChannelWithSecret, type ProviderView } from '../api.js';
import { at } from '../base.js';
import { t } from '../languages/text.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { SecretOnce } from '../parts/secret-once.js';
import { navigate } from '../router.js';
import { useLoad } from '../use-load.js';
import { CustomCreate } from './custom-create.js';
import { emptyDraft } from './custom-draft.js';
import { CustomPreview } from './custom-preview.js';
import { CustomSample } from './custom-sample.js';
import { CustomSettings } from './custom-settings.js';
import { usePreview } from './use-preview.js';

/** Describes a sender that has no provider of its own, and shows at once what becomes of a sample. */
export function CustomChannelPage() {
  const { value, error, reload } = useLoad(api.providers.list);
  const provider = value?.find(({ examples }) => examples.length > 0);
  return (
    <>
      <PageHead title={t('channels.custom')} lead={t('custom.lead')}>
        <a class="button" href={at('/admin/channels')}>
          {t('custom.all_channels')}
        </a>
      </PageHead>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {provider && <DraftForm provider={provider} />}
    </>
  );
}

function DraftForm({ provider }: { readonly provider: ProviderView }) {
  const [draft, setDraft] = useState(emptyDraft);
  const [created, setCreated] = useState<ChannelWithSecret | null>(null);
  const preview = usePreview(provider.id, draft);
  return (
    <div class="draft">
      <div class="draft-part">
        <CustomSample provider={provider} draft={draft} onChange={setDraft} />
        <CustomSettings provider={provider} draft={draft} onChange={setDraft} />
      </div>
      <div class="draft-part draft-result">
        <CustomPreview preview={preview} />
        <CustomCreate provider={provider} draft={draft} onCreated={setCreated} />
      </div>
      {created && <Created channel={created} />}
    </div>
  );
}

/** Shows what the sender has to know, with the secret that the service has generated. */
function Created({
  channel: { id, name, webhookUrl, webhookSecret },
}: {
  readonly channel: ChannelWithSecret;
}) {
  const url = [t('channels.webhook_url'), webhookUrl] as const;
  return (
    <SecretOnce
      title={t('channels.connect_named', { name: name ?? id })}
      explanation={webhookSecret === null ? t('custom.enter_url') : t('custom.enter_both')}
      secrets={webhookSecret === null ? [url] : [url, [t('channels.webhook_secret'), webhookSecret]]}
      onClose={() => {
        navigate(at('/admin/channels'));
      }}
    />
  );
}
