import { useMemo, useState } from 'preact/hooks';

import { api, type ChannelLimits, type MediaView } from '../api.js';
import { DropFile } from '../parts/drop-file.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';
import { optionsOf, SendOptions } from './send-options.js';
import { SendLimitsText } from './send-limits.js';

interface SendMediaProps {
  readonly onSent: () => void;
  readonly onClose: () => void;
}

/** The form that sends a file to a person. It shows the limits of the selected channel before anything is sent. */
export function SendMedia({ onSent, onClose }: SendMediaProps) {
  const { enabled, channel, select, limits, problem } = useTarget();
  // One idempotency key for this form, so that pressing the button twice sends one message.
  const key = useMemo(() => crypto.randomUUID(), []);
  return (
    <FormDialog
      title="Send a picture"
      action="Send"
      onClose={onClose}
      onSubmit={async (values) => {
        if (!limits) return;
        await sendFrom(values, { channel, limits, key });
        onSent();
      }}
    >
      {problem !== undefined && <Problem error={problem} />}
      <DropFile name="file" label="File" />
      <label class="field">
        <span>Channel</span>
        <select
          class="input"
          name="channel"
          value={channel}
          onChange={(event) => {
            select(event.currentTarget.value);
          }}
        >
          {enabled.map(({ id, name }) => (
            <option key={id} value={id}>
              {name ?? id}
            </option>
          ))}
        </select>
      </label>
      {limits && <SendLimitsText limits={limits} />}
      <div class="pair">
        <label class="field">
          <span>To</span>
          <input class="input mono" name="to" required maxLength={255} />
        </label>
        <label class="field">
          <span>Caption</span>
          <input class="input" name="caption" />
        </label>
      </div>
      <label class="check">
        <input type="checkbox" name="fit" checked />
        <span>Convert a picture that is too large or has an unsupported type</span>
      </label>
      {limits && <SendOptions limits={limits} />}
    </FormDialog>
  );
}

/** The selected channel and its limits. */
function useTarget() {
  const channels = useLoad(api.channels.list);
  const [selected, select] = useState<string | null>(null);
  const enabled = channels.value?.filter((one) => one.enabled) ?? [];
  const channel = (enabled.find(({ id }) => id === selected) ?? enabled[0])?.id ?? '';
  const limits = useLoad(
    () => (channel === '' ? Promise.resolve(null) : api.channels.limits(channel)),
    channel,
  );
  return { enabled, channel, select, limits: limits.value, problem: channels.error ?? limits.error };
}

interface Target {
  readonly channel: string;
  readonly limits: ChannelLimits;
  readonly key: string;
}

async function sendFrom(values: FormData, { channel, limits, key }: Target): Promise<void> {
  const file = values.get('file');
  if (!(file instanceof File) || file.size === 0) throw new Error('Choose a file first.');
  const kind = kindOf(file);
  const media = await api.media.upload(file, { channel, kind });
  const caption = textOf(values, 'caption');
  await api.messages.send(
    {
      channel,
      to: textOf(values, 'to'),
      kind,
      media: { id: media.id },
      ...(caption !== '' && { caption }),
      ...(kind === 'document' && { filename: file.name }),
      options: {
        ...(kind === 'image' && values.get('fit') !== null && { fit: true }),
        ...optionsOf(values, limits),
      },
    },
    // A different file makes a different message.
    { idempotencyKey: `${key}-${media.sha256 ?? media.id}` },
  );
}

/** The kind that the browser reports for the file. The service detects the real type from the bytes. */
function kindOf(file: File): MediaView['kind'] {
  const [group] = file.type.split('/');
  return group === 'image' || group === 'video' || group === 'audio' ? group : 'document';
}
