import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';

interface ZoomBarProps {
  readonly scale: number;
  readonly isFitting: boolean;
  readonly onStep: (larger: boolean) => void;
  readonly onFit: () => void;
  readonly onFull: () => void;
  readonly onRotate: () => void;
}

export function ZoomBar({ scale, isFitting, onStep, onFit, onFull, onRotate }: ZoomBarProps) {
  const step = (larger: boolean) => () => {
    onStep(larger);
  };
  return (
    <div class="zoom-bar" role="group" aria-label={t('zoom.label')}>
      <button type="button" aria-label={t('zoom.smaller')} data-key="-" onClick={step(false)}>
        <Icon name="minus" size={18} />
      </button>
      <button type="button" aria-pressed={isFitting} data-key="0" onClick={onFit}>
        {t('zoom.fit')}
      </button>
      <button type="button" aria-pressed={!isFitting && scale === 1} data-key="1" onClick={onFull}>
        100 %
      </button>
      <button type="button" aria-label={t('zoom.larger')} data-key="+" onClick={step(true)}>
        <Icon name="plus" size={18} />
      </button>
      <button type="button" aria-label={t('zoom.rotate')} data-key="r" onClick={onRotate}>
        <Icon name="rotate" size={18} />
      </button>
      <output aria-label={t('zoom.now')}>{Math.round(scale * 100)} %</output>
    </div>
  );
}
