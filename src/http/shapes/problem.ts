import { z } from 'zod';

import { named } from './named.js';

/** RFC 9457 problem details: what every error looks like. */
export const problem = named(
  'Problem',
  z.object({
    type: z.string().meta({ description: '`urn:inlet:problem:` and the code' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; for programs' }),
    detail: z.string().meta({ description: 'For people' }),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'The fields at fault, where there are any' }),
  }),
  {
    type: 'urn:inlet:problem:request.invalid',
    title: 'Bad Request',
    status: 400,
    code: 'request.invalid',
    detail: 'limit: Too big: expected number to be <=200',
    errors: [{ field: 'limit', message: 'Too big: expected number to be <=200' }],
  },
);
