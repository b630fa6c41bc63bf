import { useEffect, useState } from 'preact/hooks';

import { createAnnounced } from '../announced.js';
import { api, type MediaView } from '../api.js';
import { describe } from '../format.js';
import { t } from '../languages/text.js';
import { onEvent, onStreamBegun } from '../live.js';
import type { MediaList } from '../media-list.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/problem.js';
import { goBack, navigate } from '../router.js';
import { useLoad } from '../use-load.js';
import { Facts } from './facts.js';
import { Stage } from './stage.js';
import { StageTools } from './stage-tools.js';
import { useNeighbours } from './use-neighbours.js';
import { useSwipe } from './use-swipe.js';

interface ViewerProps {
  readonly id: string;
  /** The list that the arrow keys move through. */
  readonly list: MediaList;
  readonly hrefOf: (id: string) => string;
  /** The address to show after closing, for a visitor who did not come from the gallery. */
  readonly closedAt: string;
}

/** One media item above the gallery, with all its facts. */
export function Viewer({ id, list, hrefOf, closedAt }: ViewerProps) {
  const { media, loaded, change } = useMedia(id, list);
  const { newer, older } = useNeighbours(id, list, loaded.value);
  useTitle(media);
  /** The media item with another page of it as its preview, while that is in sight. */
  const [page, setPage] = useState<MediaView>();
  const turn = (to: string | undefined) => () => {
    if (to !== undefined) navigate(hrefOf(to), { replace: true });
  };
  const close = (): void => {
    goBack(closedAt);
  };
  const swipe = useSwipe({ left: turn(older), right: turn(newer), down: close });

  return (
    <Dialog
      label={media ? describe(media) : t('viewer.media')}
      class="viewer"
      onClose={close}
      onKeyDown={(event) => {
        if (isForField(event)) return;
        if (event.key === 'ArrowLeft') turn(newer)();
        if (event.key === 'ArrowRight') turn(older)();
        pressButtonOf(event);
      }}
    >
      <div class="viewer-body">
        <div class="viewer-stage" {...swipe}>
          {media && <Stage key={media.id} media={media} onPage={setPage} />}
          {media && <StageTools key={`tools ${media.id}`} media={media} picture={page ?? media} />}
          <Turn name="left" label={t('viewer.newer')} disabled={newer === undefined} onClick={turn(newer)} />
          <Turn name="right" label={t('viewer.older')} disabled={older === undefined} onClick={turn(older)} />
          <button type="button" class="round close" aria-label={t('common.close')} onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        <aside class="viewer-facts" aria-label={t('viewer.facts')} tabIndex={0}>
          {loaded.error !== undefined && <Problem error={loaded.error} retry={loaded.reload} />}
          {media && <Facts key={media.id} media={media} hrefOf={hrefOf} onChange={change} />}
        </aside>
      </div>
    </Dialog>
  );
}

interface TurnProps {
  readonly name: 'left' | 'right';
  readonly label: string;
  readonly disabled: boolean;
  readonly onClick: () => void;
}

/** At the end of the list the button is disabled but stays, so that it keeps the focus. */
function Turn({ name, label, disabled, onClick }: TurnProps) {
  return (
    <button
      type="button"
      class={`round turn ${name}`}
      aria-label={label}
      aria-disabled={disabled}
      onClick={onClick}
    >
      <Icon name={name} />
    </button>
  );
}

/** The media item: from the list at once, from the service a moment later, and then with every change. */
function useMedia(id: string, list: MediaList) {
  const loaded = useLoad(() => api.media.get(id), id);
  const [changed, setChanged] = useState<MediaView>();
  useEffect(() => {
    const announced = createAnnounced();
    let isOpen = true;
    const stopListening = onEvent(({ data }) => {
      if (!('kind' in data) || data.id !== id) return;
      announced.take(data);
      setChanged(data);
    });
    // What was loaded may be older than the first event.
    const catchUp = async (): Promise<void> => {
      const { page: media, latest } = await announced.during(api.media.get(id));
      if (isOpen) setChanged(latest(media));
    };
    const stopCatchingUp = onStreamBegun(() => void catchUp().catch(() => undefined));
    return () => {
      isOpen = false;
      stopListening();
      stopCatchingUp();
    };
  }, [id]);
  const change = (next: MediaView): void => {
    setChanged(next);
    list.take(next, true);
  };
  const known = [changed, loaded.value, ...list.items.value].find((media) => media?.id === id);
  return { media: known, loaded, change };
}

function useTitle(media: MediaView | undefined): void {
  const title = media && describe(media);
  useEffect(() => {
    const before = document.title;
    if (title !== undefined) document.title = `${title} · Inlet`;
    return () => {
      document.title = before;
    };
  }, [title]);
}

/** Presses the button that this key stands for. */
function pressButtonOf(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key === '=' ? '+' : event.key.toLowerCase();
  const button = event.currentTarget.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
}

/** Fields, players and dialogs above the viewer use the arrow keys themselves. */
function isForField(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof Element)) return false;
  return target.closest('input, select, textarea, video, audio, .dialog:not(.viewer)') !== null;
}
