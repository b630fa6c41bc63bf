import type { ComponentChildren } from 'preact';

interface TableCardProps {
  /** What is read out for the whole of it. */
  readonly label: string;
  readonly columns: readonly string[];
  /** Named to those who cannot see what the buttons are for. */
  readonly actions?: string;
  /** The rows. */
  readonly children: ComponentChildren;
}

/** A table that is scrolled sideways, by keyboard too, where the window is narrower. */
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
