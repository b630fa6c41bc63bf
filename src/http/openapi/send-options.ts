/**
 * The `options` of a message depend on the channel's provider, so the document has one schema for each
 * provider.
 */
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { JsonSchema } from './schemas.js';

/**
 * The schemas of the options by name: for each provider, including the `common` options, and the union of
 * all.
 */
export function sendOptionSchemas(
  common: JsonSchema,
  kinds: readonly ProviderKind[],
): Readonly<Record<string, JsonSchema>> {
  if (kinds.length === 0) return { SendOptions: common };
  const schemas = kinds.map((kind) => [`${pascal(kind.id)}SendOptions`, optionsOf(kind, common)] as const);
  const choice = {
    anyOf: schemas.map(([name]) => ({ $ref: `#/components/schemas/${name}` })),
    description: "The options of the channel's provider",
  };
  return { ...Object.fromEntries(schemas), SendOptions: choice };
}

function optionsOf({ id, sendOptions }: ProviderKind, common: JsonSchema): JsonSchema {
  const own: JsonSchema = sendOptions;
  return {
    ...own,
    description: `\`options\` of a message to a channel of ${id}`,
    properties: { ...propertiesOf(common), ...propertiesOf(own) },
  };
}

function propertiesOf({ properties }: JsonSchema): object {
  return typeof properties === 'object' && properties !== null ? properties : {};
}

/** Converts `z-api` to `ZApi`. */
function pascal(id: string): string {
  return id.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
