import { useEffect, useRef, useState } from 'preact/hooks';

import { api, uploadWithProgress, type ChannelLimits, type MediaView, type OutboundView } from '../api.js';
import { t } from '../languages/text.js';
import { messageOf, messageOfCode } from '../problem-text.js';
import { forecastOf, kindOf, type Forecast } from './file-limits.js';

export interface OutgoingFile {
  /** Part of the idempotency key, so that trying again sends one message. */
  readonly key: string;
  readonly file: File;
  /** A picture of it, if the browser can show one. */
  readonly picture: string | null;
  readonly caption: string;
  readonly forecast: Forecast;
  readonly state: 'chosen' | 'uploading' | 'sending' | 'sent' | 'failed';
  /** The share that was uploaded, from 0 to 1. */
  readonly progress: number;
  readonly problem: string | null;
  readonly media: MediaView | null;
}

interface Outbox {
  readonly files: readonly OutgoingFile[];
  readonly isBusy: boolean;
  readonly add: (files: readonly File[]) => void;
  readonly remove: (key: string) => void;
  readonly write: (key: string, caption: string) => void;
  /** Sends all files that were not sent yet, one after the other, so that they arrive in their order. */
  readonly send: () => Promise<boolean>;
}

interface Recipient {
  readonly channel: string;
  readonly to: string;
}

export function useOutbox(recipient: Recipient, limits: ChannelLimits): Outbox {
  const [files, setFiles] = useState<readonly OutgoingFile[]>([]);
  const [isBusy, setBusy] = useState(false);
  const latest = useRef(files);
  latest.current = files;
  useEffect(
    () => () => {
      for (const { picture } of latest.current) if (picture !== null) URL.revokeObjectURL(picture);
    },
    [],
  );
  const change = (key: string, changed: Partial<OutgoingFile>): void => {
    setFiles((before) => before.map((one) => (one.key === key ? { ...one, ...changed } : one)));
  };
  const sendOne = async (one: OutgoingFile): Promise<boolean> => {
    if (one.forecast.refusal !== undefined) return false;
    try {
      return await deliver(one, recipient, (changed) => {
        change(one.key, changed);
      });
    } catch (error) {
      change(one.key, { state: 'failed', problem: messageOf(error) });
      return false;
    }
  };
  return {
    files,
    isBusy,
    add: (more) => {
      setFiles((before) => [...before, ...more.map((file) => outgoing(file, limits))]);
    },
    remove: (key) => {
      setFiles((before) => before.filter((one) => one.key !== key));
    },
    write: (key, caption) => {
      change(key, { caption });
    },
    send: async () => {
      setBusy(true);
      let isAll = true;
      for (const one of latest.current) if (one.state !== 'sent') isAll = (await sendOne(one)) && isAll;
      setBusy(false);
      return isAll;
    },
  };
}

function outgoing(file: File, limits: ChannelLimits): OutgoingFile {
  return {
    key: crypto.randomUUID(),
    file,
    picture: file.type.startsWith('image/') ? URL.createObjectURL(file) : null,
    caption: '',
    forecast: forecastOf(file, limits),
    state: 'chosen',
    progress: 0,
    problem: null,
    media: null,
  };
}

/**
 * Uploads a file unless that was done, sends it, and waits until the provider has answered; false if it was
 * refused.
 */
async function deliver(
  one: OutgoingFile,
  { channel, to }: Recipient,
  change: (changed: Partial<OutgoingFile>) => void,
): Promise<boolean> {
  const { file, key, caption } = one;
  const kind = kindOf(file);
  change({ state: 'uploading', problem: null });
  const media =
    one.media ??
    (await uploadWithProgress(file, { channel, kind }, (progress) => {
      change({ progress });
    }));
  change({ state: 'sending', progress: 1, media });
  const { id } = await api.messages.send(
    {
      channel,
      to,
      kind,
      media: { id: media.id },
      ...(caption.trim() !== '' && { caption: caption.trim() }),
      ...(kind === 'document' && { filename: file.name }),
      options: kind === 'image' ? { fit: true } : {},
    },
    { idempotencyKey: `${key}-${media.id}` },
  );
  const { state, error } = await answerTo(id);
  const isRefused = state === 'failed' || state === 'unknown';
  // A refused message exists, so that trying again is another message.
  if (isRefused) change({ key: crypto.randomUUID(), state: 'failed', problem: reasonOf(state, error) });
  else change({ state: 'sent' });
  return !isRefused;
}

function reasonOf(state: OutboundView['state'], error: OutboundView['error']): string {
  if (state === 'unknown') return t('reply.unknown');
  return messageOfCode(error?.code ?? '') ?? error?.message ?? t('reply.refused');
}

const lookAgainMs = 400;
const looks = 25;

/** What became of a message, or its state if the provider has not answered after some seconds. */
async function answerTo(id: string): Promise<OutboundView> {
  for (let look = 1; ; look += 1) {
    const message = await api.messages.get(id);
    const isOpen = message.state === 'queued' || message.state === 'sending';
    if (!isOpen || look === looks) return message;
    await new Promise((wake) => window.setTimeout(wake, lookAgainMs));
  }
}
