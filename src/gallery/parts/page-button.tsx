import { Icon, type IconName } from './icon.js';

interface PageButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
}

/** The main action of a page, beside its heading. */
export function PageButton({ icon, label, onClick }: PageButtonProps) {
  return (
    <button type="button" class="button primary" onClick={onClick}>
      <Icon name={icon} size={18} /> {label}
    </button>
  );
}
