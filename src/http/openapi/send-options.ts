/** What the `options` of a message may say depends on the channel's provider: the document has a schema for each of them. */
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { JsonSchema } from './schemas.js';

/** The schemas of the options, by name: those of each provider together with `common`, and the choice among them. */
export function sendOptionSchemas(
  common: JsonSchema,
  kinds: readonly ProviderKind[],
): Readonly<Record<string, JsonSchema>> {
  if (kinds.length === 0) return { SendOptions: common };
  const schemas = kinds.map((kind) => [`${pascal(kind.id)}SendOptions`, optionsOf(kind, common)] as const);
  const choice = {
    anyOf: schemas.map(([name]) => ({ $ref: `#/components/schemas/${name}` })),
    description: "Those of the channel's provider",
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

/** `z-api` is `ZApi`. */
function pascal(id: string): string {
  return id.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
