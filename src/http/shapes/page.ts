import { z } from 'zod';

/** One page of a list, newest first. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'Give it back as `cursor` for the next page' }),
  });

/** All there are. */
export const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });
