/** Pages of filtered lists, the newest first: the one way in which they are read. Each page begins behind the last row of the one before. */
import { ownValue } from '../../domain/own-value.js';

export interface Page {
  readonly limit: number;
  /** The key of the last row of the page before. */
  readonly after?: string | undefined;
}

/** A list that can be filtered. */
export interface FilteredList<Filter> {
  /** `select … from …`, with its joins. */
  readonly select: string;
  /** The column that sorts the rows by age and identifies them. */
  readonly key: string;
  /** What each member of a filter demands when it is given; `?` stands for its value. */
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
  const wanted = Object.entries<string>(conditions).map(([name, condition]) => ({
    condition,
    value: ownValue(filter as Readonly<Record<string, unknown>>, name),
  }));
  const given = [...wanted, { condition: `${key} < ?`, value: after }].filter(
    ({ value }) => value !== undefined,
  );
  const where = given.map(({ condition }, at) => condition.replaceAll('?', `$${String(at + 1)}`));
  return {
    text: `${select} ${where.length > 0 ? `where ${where.join(' and ')}` : ''} order by ${key} desc limit ${String(limit)}`,
    values: given.map(({ value }) => value),
  };
}

/** What a `select` lists: every member of the row type, with the expression of its column. */
export function columnsOf<Row>(expressions: Readonly<Record<keyof Row, string>>): string {
  return Object.entries<string>(expressions)
    .map(([name, expression]) => `${expression} as "${name}"`)
    .join(', ');
}
