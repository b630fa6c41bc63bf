import { z } from 'zod';

/** One page of a list, newest first. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'The `cursor` of the next page; null on the last page' }),
  });

/** A complete list. */
export const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });
