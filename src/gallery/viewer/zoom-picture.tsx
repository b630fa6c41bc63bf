import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { isInline } from '../../domain/media.js';
import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { describe } from '../format.js';
import { t } from '../languages/text.js';
import { placeholder } from '../placeholder.js';
import { useZoomGestures } from './use-zoom-gestures.js';
import { ZoomBar } from './zoom-bar.js';
import { fit, turned, turnedSize, within, zoomAt, type Quarters, type Size, type Zoom } from './zoom.js';

const step = 1.4;

/** A picture that fits its stage or is zoomed by the user. */
export function ZoomPicture({ media }: { readonly media: MediaView }) {
  const stage = useRef<HTMLDivElement>(null);
  const size = useSize(stage);
  const upright = useMemo(() => pictureSize(media), [media]);
  /** Only the view is turned, never the file. */
  const [quarters, setQuarters] = useState<Quarters>(0);
  const picture = turnedSize(upright, quarters);
  /** The zoom of the user; null while the picture fits, also after the window changes its size. */
  const [chosen, setChosen] = useState<Zoom | null>(null);
  const fitting = fit(picture, size);
  const zoom = chosen ? within(chosen, picture, size) : fitting;
  const change = (next: (zoom: Zoom) => Zoom): void => {
    setChosen((before) => {
      const limited = within(next(before ?? fitting), picture, size);
      return limited.scale <= fitting.scale ? null : limited;
    });
  };
  const by = (larger: boolean): void => {
    change((before) => zoomAt(before, larger ? step : 1 / step, { x: 0, y: 0 }));
  };
  const toFit = (): void => {
    setChosen(null);
  };
  const toFull = (): void => {
    setChosen(within({ scale: 1, x: 0, y: 0 }, picture, size));
  };
  const rotate = (): void => {
    setQuarters(turned);
    setChosen(null);
  };

  return (
    <div
      ref={stage}
      class={`zoom ${chosen ? 'zoomed' : ''}`}
      tabIndex={0}
      role="group"
      aria-label={t('zoom.help')}
      onDblClick={chosen ? toFit : toFull}
      {...useZoomGestures(stage, change)}
    >
      <Picture media={media} size={upright} zoom={zoom} quarters={quarters} />
      <ZoomBar
        scale={zoom.scale}
        isFitting={!chosen}
        onStep={by}
        onFit={toFit}
        onFull={toFull}
        onRotate={rotate}
      />
    </div>
  );
}

interface PictureProps {
  readonly media: MediaView;
  readonly size: Size;
  readonly zoom: Zoom;
  readonly quarters: Quarters;
}

function Picture({ media, size, zoom: { x, y, scale }, quarters }: PictureProps) {
  const blurred = useMemo(() => placeholder(media.thumbhash), [media.thumbhash]);
  const isOpaque = (media.previews.large?.type ?? media.type) === 'image/jpeg';
  return (
    <img
      class={isOpaque ? '' : 'checkered'}
      src={sourceOf(media, size.width * scale * window.devicePixelRatio)}
      alt={describe(media)}
      draggable={false}
      width={size.width}
      height={size.height}
      style={{
        translate: `calc(-50% + ${String(x)}px) calc(-50% + ${String(y)}px)`,
        rotate: `${String(quarters * 90)}deg`,
        scale: String(scale),
        ...(isOpaque && blurred !== undefined && { backgroundImage: `url(${blurred})` }),
      }}
    />
  );
}

/** The preview, or an original that has more pixels once the screen shows more than the preview has. */
function sourceOf({ previews, contentUrl, type, width }: MediaView, pixels: number): string {
  const preview = previews.large ?? previews.small;
  const isEnough =
    preview && (preview.width === width || pixels <= preview.width * 1.2 || !isInline(type ?? ''));
  return at((isEnough ? preview.url : contentUrl) ?? '');
}

function pictureSize({ width, height, previews }: MediaView): Size {
  const preview = previews.large ?? previews.small;
  return { width: width ?? preview?.width ?? 640, height: height ?? preview?.height ?? 480 };
}

function useSize(element: { readonly current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: window.innerWidth, height: window.innerHeight });
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) return undefined;
    const look = (): void => {
      setSize({ width: measured.clientWidth, height: measured.clientHeight });
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(measured);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return size;
}
