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

/** The values of a statement. */
export interface Parameters {
  readonly values: unknown[];
  /** Returns how the statement names the value. */
  readonly add: (value: unknown) => string;
}

export function createParameters(): Parameters {
  const values: unknown[] = [];
  return { values, add: (value) => `$${String(values.push(value))}` };
}

/**
 * What a filter demands: the conditions of those of its members that are given, with `?` replaced by their
 * values.
 */
export function conditionsOf(
  conditions: Readonly<Record<string, string>>,
  filter: object,
  parameters: Parameters,
): string[] {
  return Object.entries(conditions).flatMap(([name, condition]) => {
    const value = ownValue(filter as Readonly<Record<string, unknown>>, name);
    return value === undefined ? [] : [condition.replaceAll('?', parameters.add(value))];
  });
}

/** The statement that reads a page of the list. */
export function pageOf<Filter extends object>(
  { select, key, conditions }: FilteredList<Filter>,
  filter: Filter,
  { limit, after }: Page,
): Statement {
  const parameters = createParameters();
  const where = [
    ...conditionsOf(conditions, filter, parameters),
    ...conditionsOf({ after: `${key} < ?` }, { after }, parameters),
  ];
  return {
    text: `${select} ${where.length > 0 ? `where ${where.join(' and ')}` : ''} order by ${key} desc limit ${String(limit)}`,
    values: parameters.values,
  };
}

/** The list of a `select`: every member of the row type with the expression of its column. */
export function columnsOf<Row>(expressions: Readonly<Record<keyof Row, string>>): string {
  return Object.entries<string>(expressions)
    .map(([name, expression]) => `${expression} as "${name}"`)
    .join(', ');
}
