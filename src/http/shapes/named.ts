import type { z } from 'zod';

/** The shape under the name that it has in the OpenAPI document, with an example of it. */
export function named<Shape extends z.ZodType>(id: string, shape: Shape, example: z.infer<Shape>): Shape {
  return shape.meta({ id, examples: [example] });
}
