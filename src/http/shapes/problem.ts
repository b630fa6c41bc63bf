import { z } from 'zod';

import { named } from './named.js';

/** The problem details of RFC 9457, the shape of every error. */
export const problem = named(
  'Problem',
  z.object({
    type: z.string().meta({ description: '`urn:inlet:problem:` followed by the code' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'A stable code for programs' }),
    detail: z.string().meta({ description: 'A message for people' }),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'The invalid fields, if there are any' }),
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
