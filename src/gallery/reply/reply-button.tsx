import { useEffect, useState } from 'preact/hooks';

import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { ReplyDialog, type ReplyRecipient } from './reply-dialog.js';

interface ReplyButtonProps {
  readonly recipient: ReplyRecipient;
  /** What the button is part of. Files that are pasted or dropped there open the form. */
  readonly place: 'page' | 'viewer';
  readonly onSent: () => void;
}

/** Opens the form that sends files to a person or a group; pasting or dropping files opens it with them. */
export function ReplyButton({ recipient, place, onSent }: ReplyButtonProps) {
  const [files, setFiles] = useState<readonly File[] | null>(null);
  useFiles(place, setFiles);
  return (
    <>
      <button
        type="button"
        class="button primary"
        onClick={() => {
          setFiles([]);
        }}
      >
        <Icon name="send" size={18} /> {t('reply.action')}
      </button>
      {files && (
        <ReplyDialog
          recipient={recipient}
          first={files}
          onSent={onSent}
          onClose={() => {
            setFiles(null);
          }}
        />
      )}
    </>
  );
}

/** Receives the files that are pasted or dropped while no other dialog is above the place. */
function useFiles(place: ReplyButtonProps['place'], receive: (files: readonly File[]) => void): void {
  useEffect(() => {
    const above = place === 'page' ? 'dialog[open]' : 'dialog[open]:not(.viewer)';
    const isCovered = (): boolean => document.querySelector(above) !== null;
    const take = (event: Event, data: DataTransfer | null): void => {
      const files = [...(data?.files ?? [])];
      if (event.defaultPrevented || files.length === 0 || isCovered()) return;
      event.preventDefault();
      receive(files);
    };
    const onPaste = (event: ClipboardEvent): void => {
      take(event, event.clipboardData);
    };
    const onDrop = (event: DragEvent): void => {
      take(event, event.dataTransfer);
    };
    const allowDrop = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files') === true && !isCovered()) event.preventDefault();
    };
    document.addEventListener('paste', onPaste);
    document.addEventListener('dragover', allowDrop);
    document.addEventListener('drop', onDrop);
    return () => {
      document.removeEventListener('paste', onPaste);
      document.removeEventListener('dragover', allowDrop);
      document.removeEventListener('drop', onDrop);
    };
  }, [place, receive]);
}
