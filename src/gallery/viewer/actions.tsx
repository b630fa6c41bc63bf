import { useState } from 'preact/hooks';

import { api, type MediaView } from '../api.js';
import { refreshAttention } from '../attention-count.js';
import { at } from '../base.js';
import { customerOf } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';
import { Icon } from '../parts/icon.js';
import { Menu, MenuItem, MenuLink } from '../parts/menu.js';
import { Problem } from '../parts/problem.js';
import { addressWith, navigate } from '../router.js';
import { isAdmin, mayManage } from '../session.js';
import { ShareDialog } from '../share/share-dialog.js';
import { downloadName } from './download-name.js';
import { BeginHold, EndHolds } from './hold-dialogs.js';
import { LinkDialog } from './link-dialog.js';

interface ActionsProps {
  readonly media: MediaView;
  readonly onChange: (media: MediaView) => void;
}

type OpenDialog = 'link' | 'page' | 'erase' | 'erase-person' | 'hold' | 'end-hold';

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
        {mayManage.value && isRetryable(media) && (
          <button type="button" class="button" onClick={() => void retry()}>
            <Icon name="retry" size={18} /> {t('common.try_again')}
          </button>
        )}
        <AllFromPerson media={media} />
        <MoreMenu media={media} onAsk={setShown} />
      </div>
      {error !== undefined && <Problem error={error} />}
      {shown !== null && <ShownDialog shown={shown} media={media} onChanged={refresh} onClose={close} />}
    </>
  );
}

interface ShownDialogProps {
  readonly shown: OpenDialog;
  readonly media: MediaView;
  readonly onChanged: () => Promise<void>;
  readonly onClose: () => void;
}

function ShownDialog({ shown, media, onChanged, onClose }: ShownDialogProps) {
  switch (shown) {
    case 'link':
      return <LinkDialog media={media} onClose={onClose} />;
    case 'page':
      return <ShareDialog ids={[media.id]} onClose={onClose} />;
    case 'erase':
      return <EraseMedia media={media} onErased={onChanged} onClose={onClose} />;
    case 'erase-person':
      return <ErasePerson media={media} onErased={onChanged} onClose={onClose} />;
    case 'hold':
      return <BeginHold media={media} onChanged={onChanged} onClose={onClose} />;
    case 'end-hold':
      return <EndHolds media={media} onChanged={onChanged} onClose={onClose} />;
  }
}

function FileButtons({ media, onShare }: { readonly media: MediaView; readonly onShare: () => void }) {
  return (
    <>
      <a class="button" href={at(media.contentUrl ?? '')} download={downloadName(media)} data-key="d">
        <Icon name="download" size={18} /> {t('viewer.download')}
      </a>
      <button type="button" class="button" onClick={onShare}>
        <Icon name="link" size={18} /> {t('actions.share')}
      </button>
    </>
  );
}

function isRetryable({ state }: MediaView): boolean {
  return state === 'failed' || state === 'rejected';
}

function AllFromPerson({ media }: { readonly media: MediaView }) {
  const person = customerOf(media);
  if (person === '' || media.direction !== 'inbound') return null;
  const filesOfPerson = addressWith({ from: person }, { path: at('/admin'), query: new URLSearchParams() });
  return (
    <button
      type="button"
      class="button"
      onClick={() => {
        navigate(filesOfPerson);
      }}
    >
      <Icon name="person" size={18} /> {t('actions.all_from_person')}
    </button>
  );
}

interface MoreMenuProps {
  readonly media: MediaView;
  readonly onAsk: (dialog: OpenDialog) => void;
}

/** What is done rarely, or cannot be undone, is out of the way of what is done all day. */
function MoreMenu({ media, onAsk }: MoreMenuProps) {
  if (!mayManage.value) return null;
  return (
    <Menu label={t('actions.more')}>
      <MenuLink href={at(`/v1/media/${media.id}/evidence`)}>
        <Icon name="document" size={18} /> {t('actions.evidence')}
      </MenuLink>
      {media.contentUrl !== null && <PageItem onAsk={onAsk} />}
      {isAdmin.value && media.state !== 'erased' && <HoldItems media={media} onAsk={onAsk} />}
      <EraseItems media={media} onAsk={onAsk} />
    </Menu>
  );
}

function PageItem({ onAsk }: Pick<MoreMenuProps, 'onAsk'>) {
  return (
    <MenuItem
      onChoose={() => {
        onAsk('page');
      }}
    >
      <Icon name="share" size={18} /> {t('actions.share_page')}
    </MenuItem>
  );
}

function HoldItems({ media, onAsk }: MoreMenuProps) {
  return (
    <>
      <MenuItem
        onChoose={() => {
          onAsk('hold');
        }}
      >
        <Icon name="held" size={18} /> {t('hold.begin')}
      </MenuItem>
      {media.held && (
        <MenuItem
          onChoose={() => {
            onAsk('end-hold');
          }}
        >
          <Icon name="held" size={18} /> {t('hold.title')}
        </MenuItem>
      )}
    </>
  );
}

function EraseItems({ media, onAsk }: MoreMenuProps) {
  return (
    <>
      {media.state !== 'erased' && (
        <MenuItem
          danger
          onChoose={() => {
            onAsk('erase');
          }}
        >
          <Icon name="erased" size={18} /> {t('actions.erase')}
        </MenuItem>
      )}
      {customerOf(media) !== '' && (
        <MenuItem
          danger
          onChoose={() => {
            onAsk('erase-person');
          }}
        >
          <Icon name="erased" size={18} /> {t('actions.erase_person')}
        </MenuItem>
      )}
    </>
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
      title={t('erase.title')}
      action={t('actions.erase')}
      onClose={onClose}
      onConfirm={async () => {
        await api.media.erase(media.id);
        await onErased();
      }}
    >
      <p>{t('erase.text')}</p>
      <p>{t('erase.final')}</p>
    </Confirm>
  );
}

function ErasePerson({ media, onErased, onClose }: EraseProps) {
  const person = customerOf(media);
  return (
    <Confirm
      title={t('erase_person.title')}
      action={t('erase_person.action')}
      typed={person}
      onClose={onClose}
      onConfirm={async () => {
        await api.contacts.erase(media.channel, person);
        await onErased();
      }}
    >
      <p>
        <Rich
          id="erase_person.text"
          values={{ person: media.message?.senderName ?? person, channel: media.channel }}
        />
      </p>
    </Confirm>
  );
}
