/** Pages of filtered lists, the newest first. Each page begins after the last row of the previous one. */
import { ownValue } from '../../domain/own-value.js';

export interface Page {
  readonly limit: number;
  /** The key of the last row of the previous page. */
  readonly after?: string | undefined;
}

/** A list that can be filtered. */
export interface FilteredList<Filter> {
  /** `select … from …`, with its joins. */
  readonly select: string;
  /** The column that identifies the rows and sorts them by age. */
  readonly key: string;
  /** The condition for each member of a filter that is defined; `?` stands for its value. */
  readonly conditions: Readonly<Record<keyof Filter, string>>;
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** The statement that reads a page of the list. */
export function pageOf<Filter extends object>(
  { select, key, conditions }: FilteredList<Filter>,
  filter: Filter,
  { limit, after }: Page,
): Statement {
  const candidates = Object.entries<string>(conditions).map(([name, condition]) => ({
    condition,
    value: ownValue(filter as Readonly<Record<string, unknown>>, name),
  }));
  const active = [...candidates, { condition: `${key} < ?`, value: after }].filter(
    ({ value }) => value !== undefined,
  );
  const where = active.map(({ condition }, at) => condition.replaceAll('?', `$${String(at + 1)}`));
  return {
    text: `${select} ${where.length > 0 ? `where ${where.join(' and ')}` : ''} order by ${key} desc limit ${String(limit)}`,
    values: active.map(({ value }) => value),
  };
}

/** The list of a `select`: every member of the row type with the expression of its column. */
export function columnsOf<Row>(expressions: Readonly<Record<keyof Row, string>>): string {
  return Object.entries<string>(expressions)
    .map(([name, expression]) => `${expression} as "${name}"`)
    .join(', ');
}
