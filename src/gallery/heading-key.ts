/** Whether a list has a heading for each day or for each month. */
export type Headings = 'day' | 'month';

/** A key for the day or the month of a moment in the time zone of the browser. */
export function headingKey(iso: string, headings: Headings): string {
  const date = new Date(iso);
  const month = `${String(date.getFullYear())}-${String(date.getMonth() + 1)}`;
  return headings === 'month' ? month : `${month}-${String(date.getDate())}`;
}
