import { z } from 'zod';

/** RFC 9457 problem details: what every error looks like. */
export const problem = z.object({
  type: z.string().meta({ description: '`urn:inlet:problem:` and the code' }),
  title: z.string(),
  status: z.int(),
  code: z.string().meta({ description: 'Stable; for programs' }),
  detail: z.string().meta({ description: 'For people' }),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .meta({ description: 'The fields at fault, where there are any' }),
});
