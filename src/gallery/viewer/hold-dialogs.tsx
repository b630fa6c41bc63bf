import { useState } from 'preact/hooks';

import { api, type HoldView, type MediaView, type NewHold } from '../api.js';
import { customerOf, fullTime, personOf } from '../format.js';
import { t } from '../languages/text.js';
import { Dialog } from '../parts/dialog.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

interface HoldDialogProps {
  readonly media: MediaView;
  readonly onChanged: () => Promise<void>;
  readonly onClose: () => void;
}

interface Choice {
  readonly label: string;
  readonly on: Omit<NewHold, 'reason'>;
}

/** Begins a hold on the file, or on what it belongs to. */
export function BeginHold({ media, onChanged, onClose }: HoldDialogProps) {
  const choices = choicesOf(media);
  return (
    <FormDialog
      title={t('hold.begin')}
      action={t('hold.begin_action')}
      onClose={onClose}
      onSubmit={async (values) => {
        const choice = choices[Number(textOf(values, 'on'))];
        if (!choice) return;
        await api.holds.create({ ...choice.on, reason: textOf(values, 'reason') });
        await onChanged();
        onClose();
      }}
    >
      <p>{t('hold.text')}</p>
      <label class="field">
        <span>{t('hold.on')}</span>
        <select class="input" name="on">
          {choices.map(({ label }, place) => (
            <option key={label} value={place}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{t('hold.reason')}</span>
        <input class="input" name="reason" required maxLength={1000} />
      </label>
    </FormDialog>
  );
}

function choicesOf(media: MediaView): readonly Choice[] {
  const { id, channel, message, annotations } = media;
  const person = customerOf(media);
  const chat = message?.chat ?? '';
  return [
    { label: t('hold.on_file'), on: { type: 'media', subject: id } },
    ...(person === ''
      ? []
      : [
          {
            label: t('hold.on_person', { person: personOf(media) }),
            on: { type: 'person', channel, subject: person } as const,
          },
        ]),
    ...(chat === ''
      ? []
      : [{ label: t('hold.on_chat', { chat }), on: { type: 'chat', channel, subject: chat } as const }]),
    ...annotations.tags.map((tag) => ({
      label: t('hold.on_tag', { tag }),
      on: { type: 'tag', channel, subject: tag } as const,
    })),
  ];
}

/** The holds that keep the file, each of which can be ended. */
export function EndHolds({ media, onChanged, onClose }: HoldDialogProps) {
  const [ended, setEnded] = useState(0);
  const [error, setError] = useState<unknown>();
  const loaded = useLoad(
    async () => (await api.holds.list({ media: media.id }).page()).items,
    `${media.id} ${String(ended)}`,
  );
  const end = async (id: string): Promise<void> => {
    setError(undefined);
    try {
      await api.holds.end(id);
      setEnded(ended + 1);
      await onChanged();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog label={t('hold.title')} class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>{t('hold.title')}</h2>
        {loaded.error !== undefined && <Problem error={loaded.error} retry={loaded.reload} />}
        {loaded.value?.length === 0 && <p>{t('hold.none')}</p>}
        <ul class="holds">
          {loaded.value?.map((hold) => (
            <li key={hold.id}>
              <span>
                <b>{nameOf(hold, media)}</b>
                <br />
                {hold.reason}
                <br />
                <small>
                  {t('hold.since', {
                    time: fullTime(hold.createdAt),
                    name: hold.createdByName ?? hold.createdBy,
                  })}
                </small>
              </span>
              <button type="button" class="button" onClick={() => void end(hold.id)}>
                {t('hold.end_action')}
              </button>
            </li>
          ))}
        </ul>
        {error !== undefined && <Problem error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function nameOf({ type, subject }: HoldView, media: MediaView): string {
  switch (type) {
    case 'media':
      return t('hold.on_file');
    case 'person':
      return t('hold.on_person', { person: subject === customerOf(media) ? personOf(media) : subject });
    case 'chat':
      return t('hold.on_chat', { chat: subject });
    case 'tag':
      return t('hold.on_tag', { tag: subject });
  }
}
