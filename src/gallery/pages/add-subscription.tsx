import { eventTypes } from '../../domain/event.js';
import { api } from '../api.js';
import { FormDialog, textOf, textsOf } from '../parts/form-dialog.js';
import { ChannelChoice } from './channel-choice.js';

interface AddSubscriptionProps {
  /** Receives the signing secret of the new subscription. */
  readonly onAdded: (secret: string) => void;
  readonly onClose: () => void;
}

export function AddSubscription({ onAdded, onClose }: AddSubscriptionProps) {
  return (
    <FormDialog
      title="Add a subscription"
      action="Add"
      onClose={onClose}
      onSubmit={async (values) => {
        onAdded(await createSubscription(values));
      }}
    >
      <label class="field">
        <span>URL</span>
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
        <span>Description</span>
        <input class="input" name="description" maxLength={200} />
      </label>
      <fieldset class="field">
        <legend>Events (all, if none is selected)</legend>
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
