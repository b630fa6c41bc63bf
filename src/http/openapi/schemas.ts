/** Makes the JSON Schemas of the document from zod schemas. */
import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Schemas {
  /** The schema for the document, in which named shapes are references. */
  readonly of: (schema: z.ZodType) => JsonSchema;
  /** The schemas that were referenced so far, by name. */
  readonly components: () => Readonly<Record<string, JsonSchema>>;
}

export function createSchemas(): Schemas {
  const components = new Map<string, JsonSchema>();
  const known = new Map<z.ZodType, JsonSchema>();

  const convert = (schema: z.ZodType): JsonSchema => {
    const { $defs = {}, ...json } = z.toJSONSchema(schema, options);
    // The document declares its version of JSON Schema once.
    delete json.$schema;
    for (const [name, component] of Object.entries($defs))
      if (!components.has(name)) components.set(name, inDocument(component));
    return inDocument(json);
  };
  return {
    of: (schema) => {
      const json = known.get(schema) ?? convert(schema);
      known.set(schema, json);
      return json;
    },
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Answers are described like requests, because clients must tolerate members that later versions add. */
const options: Parameters<typeof z.toJSONSchema>[1] = {
  io: 'input',
  unrepresentable: 'any',
  override: ({ jsonSchema }) => {
    // The format says the same.
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    // These limits come from JavaScript, not from the API.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
};

function inDocument(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : value,
  ) as JsonSchema;
}
