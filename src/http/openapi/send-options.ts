/** What the `options` of a message may say depends on the channel's provider: the document has a schema for each of them. */
import type { ProviderKind } from '../../domain/provider-kind.js';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly [keyword: string]: unknown;
}

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
  readonly paths: Readonly<Record<string, unknown>>;
}

interface Body {
  readonly content: { readonly 'application/json': { readonly schema: { readonly properties: Properties } } };
}
type Properties = Readonly<Record<string, unknown>> & { readonly options: ObjectSchema };

/** The document with the options of these providers: those of the service, and of one provider as well. */
export function withSendOptions(document: object, kinds: readonly ProviderKind[]): object {
  const { components, paths, ...rest } = document as Document;
  const sends = paths['/v1/messages'] as { readonly post: { readonly requestBody: Body } };
  const json = sends.post.requestBody.content['application/json'];
  const { options } = json.schema.properties;
  const schemas = kinds.map((kind) => [`${pascal(kind.id)}SendOptions`, optionsOf(kind, options)] as const);
  const choice = {
    anyOf: schemas.map(([name]) => ({ $ref: `#/components/schemas/${name}` })),
    default: options['default'],
    description: "Those of the channel's provider",
  };
  const properties = { ...json.schema.properties, options: choice };
  const content = { 'application/json': { ...json, schema: { ...json.schema, properties } } };
  const post = { ...sends.post, requestBody: { ...sends.post.requestBody, content } };
  return {
    ...rest,
    components: { ...components, schemas: { ...components.schemas, ...Object.fromEntries(schemas) } },
    paths: { ...paths, '/v1/messages': { ...sends, post } },
  };
}

function optionsOf({ id, sendOptions }: ProviderKind, ofTheService: ObjectSchema): ObjectSchema {
  const own = sendOptions as ObjectSchema;
  return {
    ...own,
    description: `\`options\` of a message to a channel of ${id}`,
    properties: { ...ofTheService.properties, ...own.properties },
  };
}

/** `z-api` is `ZApi`. */
function pascal(id: string): string {
  return id.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
