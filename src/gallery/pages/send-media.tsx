import { useMemo, useState } from 'preact/hooks';

import { api, type ChannelLimits } from '../api.js';
import { t } from '../languages/text.js';
import { DropFile } from '../parts/drop-file.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { kindOf } from '../reply/file-limits.js';
import { recipientOf } from '../reply/recipient.js';
import { useLoad } from '../use-load.js';
import { optionsOf, SendOptions } from './send-options.js';
import { SendLimitsText } from './send-limits.js';

interface SendMediaProps {
  /** Files that were chosen elsewhere. */
  readonly files?: readonly File[];
  readonly onSent: () => void;
  readonly onClose: () => void;
}

/**
 * The form that sends a file to a person. It shows the limits of the selected channel before anything is
 * sent.
 */
export function SendMedia({ files, onSent, onClose }: SendMediaProps) {
  const { enabled, channel, select, limits, problem } = useTarget();
  // One idempotency key for this form, so that pressing the button twice sends one message.
  const key = useMemo(() => crypto.randomUUID(), []);
  return (
    <FormDialog
      title={t('sent.send')}
      action={t('send.action')}
      onClose={onClose}
      onSubmit={async (values) => {
        if (!limits) return;
        await sendFrom(values, { channel, limits, key });
        onSent();
      }}
    >
      {problem !== undefined && <Problem error={problem} />}
      <DropFile name="file" label={t('send.file')} chosen={files} />
      <label class="field">
        <span>{t('send.channel')}</span>
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
          <span>{t('send.to')}</span>
          <input class="input mono" name="to" required maxLength={255} />
        </label>
        <label class="field">
          <span>{t('send.caption')}</span>
          <input class="input" name="caption" />
        </label>
      </div>
      <label class="check">
        <input type="checkbox" name="fit" checked />
        <span>{t('send.fit')}</span>
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

/** Sends the files one after another, so that they arrive in their order. The first one has the caption. */
async function sendFrom(values: FormData, target: Target): Promise<void> {
  const chosen = values.getAll('file').filter((value) => value instanceof File);
  const files = chosen.filter(({ size }) => size > 0);
  if (files.length === 0) throw new Error(t('send.choose_file'));
  const caption = textOf(values, 'caption');
  for (const [place, file] of files.entries())
    await sendFile({ file, place, caption: place === 0 ? caption : '' }, values, target);
}

interface ChosenFile {
  readonly file: File;
  readonly place: number;
  readonly caption: string;
}

async function sendFile(
  { file, place, caption }: ChosenFile,
  values: FormData,
  { channel, limits, key }: Target,
): Promise<void> {
  const kind = kindOf(file);
  const media = await api.media.upload(file, { channel, kind });
  await api.messages.send(
    {
      channel,
      to: recipientOf(textOf(values, 'to')),
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
    { idempotencyKey: `${key}-${String(place)}-${media.sha256 ?? media.id}` },
  );
}
