import type { ComponentChildren } from 'preact';

interface TableCardProps {
  /** The name of the table for screen readers. */
  readonly label: string;
  readonly columns: readonly string[];
  /** The heading of the column with buttons, for screen readers only. */
  readonly actions?: string;
  /** The rows. */
  readonly children: ComponentChildren;
}

/** A table that scrolls sideways in a narrow window, also by keyboard. */
export function TableCard({ label, columns, actions, children }: TableCardProps) {
  return (
    <div class="card table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
            {actions !== undefined && (
              <th scope="col">
                <span class="unseen">{actions}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
