import { useEffect, useState } from 'preact/hooks';

import { isInline } from '../../domain/media.js';
import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { favourites, learnFavourites, toggleFavourites } from '../favourites.js';
import { t, type MessageId } from '../languages/text.js';
import { sayProblem } from '../live.js';
import { showingOf } from '../media-kind.js';
import { Icon, type IconName } from '../parts/icon.js';
import { KeyboardHelp } from '../parts/keyboard-help.js';
import { useOpen } from '../use-open.js';
import { canCopyPictures, copyPicture } from './copy-picture.js';
import { viewerKeys } from './viewer-keys.js';

interface StageToolsProps {
  readonly media: MediaView;
  /** What is in sight of it: the same, or with another page as its preview. */
  readonly picture: MediaView;
}

/** What can be done with the picture or file in sight. `data-key` is the key that presses a button. */
export function StageTools({ media, picture }: StageToolsProps) {
  const help = useOpen();
  const isPicture = showingOf(media) === 'picture';
  return (
    <div class="stage-tools" role="group" aria-label={t('tools.label')}>
      {media.state !== 'erased' && <StarTool media={media} />}
      {isPicture && canCopyPictures() && <CopyTool media={picture} />}
      {isPicture && (
        <Tool
          name="print"
          icon="print"
          shortcut="p"
          onClick={() => {
            window.print();
          }}
        />
      )}
      {media.contentUrl !== null && isInline(media.type ?? '') && <OpenTool url={at(media.contentUrl)} />}
      <Tool name="help" icon="help" shortcut="?" onClick={help.open} />
      {help.isOpen && <KeyboardHelp keys={viewerKeys} onClose={help.close} />}
    </div>
  );
}

interface ToolProps {
  readonly name: 'copy' | 'print' | 'help';
  readonly icon: IconName;
  readonly shortcut: string;
  readonly onClick: () => void;
}

function Tool({ name, icon, shortcut, onClick }: ToolProps) {
  const label = t(`tools.${name}`);
  return (
    <button
      type="button"
      class="round"
      aria-label={label}
      title={label}
      data-key={shortcut}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Stars the media item, for the user alone. */
function StarTool({ media: { id } }: { readonly media: MediaView }) {
  const isFavourite = favourites.value.has(id);
  useEffect(() => void learnFavourites([id]), [id]);
  const label = t('favourite.action');
  return (
    <button
      type="button"
      class="round star"
      aria-label={label}
      title={label}
      aria-pressed={isFavourite}
      data-key="s"
      onClick={() => void toggleFavourites([id]).catch(sayProblem)}
    >
      <Icon name="star" />
    </button>
  );
}

/** Opens the file as it was received on a page of its own, which may run nothing. */
function OpenTool({ url }: { readonly url: string }) {
  const label = t('tools.open');
  return (
    <a class="round" href={url} target="_blank" rel="noopener" aria-label={label} title={label} data-key="o">
      <Icon name="open" />
    </a>
  );
}

const outcomes = {
  copied: 'tools.copied',
  not_copied: 'tools.not_copied',
} as const satisfies Record<string, MessageId>;

/** Copies the picture and says so for a moment. */
function CopyTool({ media }: { readonly media: MediaView }) {
  const [outcome, setOutcome] = useState<keyof typeof outcomes>();
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = window.setTimeout(() => {
      setOutcome(undefined);
    }, 4_000);
    return () => {
      window.clearTimeout(timer);
    };
  }, [outcome]);
  const copy = (): void => {
    copyPicture(at(copiedUrl(media))).then(
      () => {
        setOutcome('copied');
      },
      () => {
        setOutcome('not_copied');
      },
    );
  };
  return (
    <>
      <p class="stage-note" role="status">
        {outcome && t(outcomes[outcome])}
      </p>
      <Tool name="copy" icon={outcome === 'copied' ? 'check' : 'copy'} shortcut="c" onClick={copy} />
    </>
  );
}

/** The original, unless browsers cannot show it; then its large preview. */
function copiedUrl({ contentUrl, previews, type }: MediaView): string {
  const preview = previews.large ?? previews.small;
  return (isInline(type ?? '') ? contentUrl : preview?.url) ?? '';
}
