import { useState } from 'preact/hooks';

import { api, type MediaView } from '../api.js';
import { refreshAttention } from '../attention-count.js';
import { at } from '../base.js';
import { Confirm } from '../parts/confirm.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/problem.js';
import { addressWith, navigate } from '../router.js';
import { isAdmin } from '../session.js';
import { LinkDialog } from './link-dialog.js';

interface ActionsProps {
  readonly media: MediaView;
  readonly onChange: (media: MediaView) => void;
}

type OpenDialog = 'link' | 'erase' | 'erase-person';

/** The actions for one media item. */
export function Actions({ media, onChange }: ActionsProps) {
  const [shown, setShown] = useState<OpenDialog | null>(null);
  const [error, setError] = useState<unknown>();
  const refresh = async (): Promise<void> => {
    onChange(await api.media.get(media.id));
    await refreshAttention();
  };
  const retry = async (): Promise<void> => {
    setError(undefined);
    try {
      onChange(await api.media.retry(media.id));
      await refreshAttention();
    } catch (problem) {
      setError(problem);
    }
  };
  const ask = (dialog: OpenDialog) => () => {
    setShown(dialog);
  };
  const close = (): void => {
    setShown(null);
  };
  return (
    <>
      <div class="button-row">
        {media.contentUrl !== null && <FileButtons media={media} onShare={ask('link')} />}
        {isAdmin.value && <AdminButtons media={media} onRetry={() => void retry()} onErase={ask('erase')} />}
      </div>
      {error !== undefined && <Problem error={error} />}
      <PersonActions media={media} onErase={ask('erase-person')} />
      {shown === 'link' && <LinkDialog media={media} onClose={close} />}
      {shown === 'erase' && <EraseMedia media={media} onErased={refresh} onClose={close} />}
      {shown === 'erase-person' && <ErasePerson media={media} onErased={refresh} onClose={close} />}
    </>
  );
}

function FileButtons({ media, onShare }: { readonly media: MediaView; readonly onShare: () => void }) {
  return (
    <>
      <a
        class="button"
        href={at(media.contentUrl ?? '')}
        download={media.filename ?? `${media.id}.${extension(media)}`}
      >
        <Icon name="download" size={18} /> Download
      </a>
      <button type="button" class="button" onClick={onShare}>
        <Icon name="link" size={18} /> Share link
      </button>
    </>
  );
}

interface AdminButtonsProps {
  readonly media: MediaView;
  readonly onRetry: () => void;
  readonly onErase: () => void;
}

function AdminButtons({ media: { state }, onRetry, onErase }: AdminButtonsProps) {
  return (
    <>
      {(state === 'failed' || state === 'rejected') && (
        <button type="button" class="button" onClick={onRetry}>
          <Icon name="retry" size={18} /> Try again
        </button>
      )}
      {state !== 'erased' && (
        <button type="button" class="button quiet-danger" onClick={onErase}>
          <Icon name="erased" size={18} /> Erase
        </button>
      )}
    </>
  );
}

function PersonActions({ media, onErase }: { readonly media: MediaView; readonly onErase: () => void }) {
  const person = personIn(media);
  if (person === '') return null;
  const filesOfPerson = addressWith({ from: person }, { path: at('/admin'), query: new URLSearchParams() });
  return (
    <div class="button-row">
      {media.direction === 'inbound' && (
        <button
          type="button"
          class="button"
          onClick={() => {
            navigate(filesOfPerson);
          }}
        >
          <Icon name="person" size={18} /> All from this person
        </button>
      )}
      {isAdmin.value && (
        <button type="button" class="button quiet-danger" onClick={onErase}>
          <Icon name="erased" size={18} /> Erase person
        </button>
      )}
    </div>
  );
}

interface EraseProps {
  readonly media: MediaView;
  readonly onErased: () => Promise<void>;
  readonly onClose: () => void;
}

function EraseMedia({ media, onErased, onClose }: EraseProps) {
  return (
    <Confirm
      title="Permanently delete this file?"
      action="Erase"
      onClose={onClose}
      onConfirm={async () => {
        await api.media.erase(media.id);
        await onErased();
      }}
    >
      <p>
        The file and its previews are deleted, unless another message contains the same file. Caption, sender
        and the raw webhook are deleted, too. Only a record that the file existed is kept.
      </p>
      <p>This cannot be undone.</p>
    </Confirm>
  );
}

function ErasePerson({ media, onErased, onClose }: EraseProps) {
  const person = personIn(media);
  return (
    <Confirm
      title="Erase this person?"
      action="Erase everything"
      typed={person}
      onClose={onClose}
      onConfirm={async () => {
        await api.contacts.erase(media.channel, person);
        await onErased();
      }}
    >
      <p>
        All data that <b>{media.message?.senderName ?? person}</b> sent or received in the channel{' '}
        <b>{media.channel}</b> is deleted: pictures and files with their previews, captions, names, and the
        raw webhooks. This cannot be undone.
      </p>
    </Confirm>
  );
}

/** The identifier of the customer: the sender of a received message, or the recipient of a sent one. */
function personIn({ direction, message }: MediaView): string {
  return (direction === 'inbound' ? message?.from : message?.to) ?? '';
}

function extension({ type }: MediaView): string {
  return type?.split(';')[0]?.split('/').at(-1)?.replace('jpeg', 'jpg') ?? 'bin';
}
