/** The OpenAPI document as a judge of real answers. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import type { Answer } from '../../support/client.js';

export interface Operation {
  readonly operationId: string;
  readonly 'x-scope'?: string;
  readonly security: readonly object[];
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema?: object }>>;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly examples?: readonly unknown[] }>>;
  };
}

/** Each as `get /v1/media`. */
export function operationsOf({ paths }: OpenApiDocument): [name: string, operation: Operation][] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
}

export interface Contract {
  /** What is wrong with the answer; nothing when it is as documented. */
  readonly faultsOf: (operation: string, answer: Answer<unknown>) => readonly string[];
  /** What is wrong with a JSON body that is sent. */
  readonly faultsOfRequest: (operation: string, body: unknown) => readonly string[];
  /** What is wrong with the examples of the document itself. */
  readonly faultsOfExamples: () => readonly string[];
}

/** In this reading of the document, a member that it does not name is a fault. */
export function contractOf(document: OpenApiDocument): Contract {
  // The type of a CommonJS package that is its own default.
  const format = addFormats as unknown as (ajv: Ajv2020) => void;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  format(ajv);
  ajv.addFormat('binary', true).addSchema({ ...(closed(document) as object), $id: 'openapi' });
  const operations = new Map(operationsOf(document));

  const check = (pointer: readonly string[], value: unknown): string[] => {
    const $ref = `openapi#/${pointer.map(escapePointer).join('/')}`;
    const validate: ValidateFunction = ajv.getSchema($ref) ?? ajv.compile({ $ref });
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || '/'} ${String(message)} ${JSON.stringify(params)}`,
    );
  };
  const place = (operation: string): string[] => {
    const [method = '', path = ''] = operation.split(' ');
    return ['paths', path, method];
  };

  return {
    faultsOf: (operation, answer) => {
      const status = String(answer.status);
      const documented = operations.get(operation)?.responses[status];
      if (!documented) return [`the status ${status} is not documented`];
      const { content } = documented;
      if (!content) return answer.bytes.length === 0 ? [] : ['no body is documented'];
      const type = typeOf(answer);
      const range = [type, type.replace(/\/.*/, '/*'), '*/*'].find((candidate) => candidate in content);
      if (range === undefined) return [`the type ${type} is not documented`];
      if (!content[range]?.schema) return [];
      return check([...place(operation), 'responses', status, 'content', range, 'schema'], bodyOf(answer));
    },
    faultsOfRequest: (operation, body) =>
      check([...place(operation), 'requestBody', 'content', 'application/json', 'schema'], body),
    faultsOfExamples: () =>
      Object.entries(document.components.schemas).flatMap(([name, { examples = [] }]) =>
        examples.flatMap((example) =>
          check(['components', 'schemas', name], example).map((fault) => `${name}: ${fault}`),
        ),
      ),
  };
}

function typeOf({ headers }: Answer<unknown>): string {
  return headers['content-type']?.split(';')[0] ?? 'none';
}

function bodyOf(answer: Answer<unknown>): unknown {
  return answer.body === undefined ? answer.bytes.toString('utf8') : answer.body;
}

function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/**
 * The same with `additionalProperties: false` at every object that does not say otherwise; parts of an
 * `allOf` are no objects of their own.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'allOf' || key === 'examples' ? (value as unknown) : closed(value),
    ]),
  );
  return 'properties' in copy && copy['type'] === 'object' && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}
