import { Icon } from '../parts/icon.js';

interface ZoomBarProps {
  readonly scale: number;
  readonly isFitting: boolean;
  readonly onStep: (larger: boolean) => void;
  readonly onFit: () => void;
  readonly onFull: () => void;
}

export function ZoomBar({ scale, isFitting, onStep, onFit, onFull }: ZoomBarProps) {
  const step = (larger: boolean) => () => {
    onStep(larger);
  };
  return (
    <div class="zoom-bar" role="group" aria-label="Zoom">
      <button type="button" aria-label="Smaller" onClick={step(false)}>
        <Icon name="minus" size={18} />
      </button>
      <button type="button" aria-pressed={isFitting} onClick={onFit}>
        Fit
      </button>
      <button type="button" aria-pressed={!isFitting && scale === 1} onClick={onFull}>
        100 %
      </button>
      <button type="button" aria-label="Larger" onClick={step(true)}>
        <Icon name="plus" size={18} />
      </button>
      <output aria-label="Zoom now">{Math.round(scale * 100)} %</output>
    </div>
  );
}
