import { eventTypes } from '../../domain/event.js';
import { api } from '../api.js';
import { t } from '../languages/text.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { ChannelChoice } from '../parts/channel-choice.js';

interface AddSubscriptionProps {
  /** Receives the signing secret of the new subscription. */
  readonly onAdded: (secret: string) => void;
  readonly onClose: () => void;
}

export function AddSubscription({ onAdded, onClose }: AddSubscriptionProps) {
  return (
    <FormDialog
      title={t('add_subscription.title')}
      action={t('add_channel.action')}
      onClose={onClose}
      onSubmit={async (values) => {
        onAdded(await createSubscription(values));
      }}
    >
      <label class="field">
        <span>{t('add_subscription.url')}</span>
        <input
          class="input"
          name="url"
          type="url"
          required
          placeholder="https://example.com/inlet"
          autofocus
        />
      </label>
      <label class="field">
        <span>{t('add_subscription.description')}</span>
        <input class="input" name="description" maxLength={200} />
      </label>
      <fieldset class="field">
        <legend>{t('add_subscription.events')}</legend>
        <div class="checks">
          {eventTypes.map((type) => (
            <label key={type} class="check">
              <input type="checkbox" name="type" value={type} />
              <code>{type}</code>
            </label>
          ))}
        </div>
      </fieldset>
      <ChannelChoice />
    </FormDialog>
  );
}

async function createSubscription(values: FormData): Promise<string> {
  const description = textOf(values, 'description');
  const selected = textsOf(values, 'type');
  const { secret } = await api.subscriptions.create({
    url: textOf(values, 'url'),
    ...(description !== '' && { description }),
    types: eventTypes.filter((type) => selected.includes(type)),
    channels: textsOf(values, 'channel'),
  });
  return secret;
}
