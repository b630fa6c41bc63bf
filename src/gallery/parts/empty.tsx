import type { ComponentChildren } from 'preact';

import { Icon, type IconName } from './icon.js';

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  /** What the user can do now. */
  readonly children?: ComponentChildren;
}

/** Stands in for an empty list. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} size={40} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
