import { useEffect, useRef, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { describe } from '../format.js';
import { locale, t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { maxDecodedBytes, waveformOf } from './waveform.js';

const speeds = [1, 1.5, 2] as const;

/** A player for recordings, with their loudness as a picture and a choice of speeds. */
export function AudioPlayer({ media }: { readonly media: MediaView }) {
  const player = useRef<HTMLAudioElement>(null);
  const [played, setPlayed] = useState(0);
  const [speed, setSpeed] = useState<number>(1);
  const peaks = useWaveform(media);
  useEffect(() => {
    if (player.current) player.current.playbackRate = speed;
  }, [speed]);
  const url = at(media.contentUrl ?? '');
  return (
    <div class="stand-in audio">
      {peaks ? (
        <Waveform
          peaks={peaks}
          played={played}
          onSeek={(share) => {
            const { current } = player;
            if (current && Number.isFinite(current.duration)) current.currentTime = share * current.duration;
          }}
        />
      ) : (
        <Icon name="sound" size={64} />
      )}
      <audio
        ref={player}
        src={url}
        controls
        preload="metadata"
        aria-label={describe(media)}
        onTimeUpdate={({ currentTarget: { currentTime, duration } }) => {
          setPlayed(duration > 0 ? currentTime / duration : 0);
        }}
      />
      <div class="speeds" role="group" aria-label={t('audio.speed')}>
        {speeds.map((choice) => (
          <button
            key={choice}
            type="button"
            aria-pressed={choice === speed}
            onClick={() => {
              setSpeed(choice);
            }}
          >
            {choice.toLocaleString(locale.value)}×
          </button>
        ))}
      </div>
    </div>
  );
}

interface WaveformProps {
  /** From 0 to 1. */
  readonly peaks: readonly number[];
  /** The share that was played, from 0 to 1. */
  readonly played: number;
  readonly onSeek: (share: number) => void;
}

/** A click goes to that moment. The player below does the same for the keyboard. */
function Waveform({ peaks, played, onSeek }: WaveformProps) {
  const path = peaks
    .map((peak, index) => {
      const half = Math.max(peak * 30, 1);
      return `M${String(index * 4 + 2)} ${String(32 - half)}v${String(half * 2)}`;
    })
    .join('');
  const width = peaks.length * 4;
  return (
    <svg
      class="waveform"
      viewBox={`0 0 ${String(width)} 64`}
      preserveAspectRatio="none"
      aria-hidden="true"
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onSeek((event.clientX - box.left) / box.width);
      }}
    >
      <rect width={width} height="64" class="waveform-ground" />
      <path d={path} />
      <svg width={width * played} height="64">
        <path d={path} class="played" />
      </svg>
    </svg>
  );
}

/** The loudness of short recordings; undefined until it is known, and for others. */
function useWaveform({ contentUrl, bytes }: MediaView): readonly number[] | undefined {
  const [peaks, setPeaks] = useState<readonly number[]>();
  useEffect(() => {
    if (contentUrl === null || bytes === null || bytes > maxDecodedBytes) return undefined;
    const leaving = new AbortController();
    waveformOf(at(contentUrl), leaving.signal).then(setPeaks, () => undefined);
    return () => {
      leaving.abort();
    };
  }, [contentUrl, bytes]);
  return peaks;
}
