import type { z } from 'zod';

/** Gives the shape a name in the OpenAPI document, and an example. */
export function named<Shape extends z.ZodType>(id: string, shape: Shape, example: z.infer<Shape>): Shape {
  return shape.meta({ id, examples: [example] });
}
