import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { isInline } from '../../domain/media.js';
import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { describe } from '../format.js';
import { placeholder } from '../placeholder.js';
import { useZoomGestures } from './use-zoom-gestures.js';
import { ZoomBar } from './zoom-bar.js';
import { fit, within, zoomAt, type Size, type Zoom } from './zoom.js';

const step = 1.4;

/** A picture that fits its stage or is zoomed by the user. */
export function ZoomPicture({ media }: { readonly media: MediaView }) {
  const stage = useRef<HTMLDivElement>(null);
  const size = useSize(stage);
  const picture = useMemo(() => pictureSize(media), [media]);
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

  return (
    <div
      ref={stage}
      class={`zoom ${chosen ? 'zoomed' : ''}`}
      tabIndex={0}
      role="group"
      aria-label="Picture; plus and minus zoom, 0 fits it, 1 shows every pixel"
      onKeyDown={({ key }) => {
        if (key === '+' || key === '=') by(true);
        if (key === '-') by(false);
        if (key === '0') toFit();
        if (key === '1') toFull();
      }}
      onDblClick={chosen ? toFit : toFull}
      {...useZoomGestures(stage, change)}
    >
      <Picture media={media} size={picture} zoom={zoom} />
      <ZoomBar scale={zoom.scale} isFitting={!chosen} onStep={by} onFit={toFit} onFull={toFull} />
    </div>
  );
}

interface PictureProps {
  readonly media: MediaView;
  readonly size: Size;
  readonly zoom: Zoom;
}

function Picture({ media, size, zoom: { x, y, scale } }: PictureProps) {
  const blurred = useMemo(() => placeholder(media.thumbhash), [media.thumbhash]);
  const place = `translate(-50%, -50%) translate(${String(x)}px, ${String(y)}px) scale(${String(scale)})`;
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
        transform: place,
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
