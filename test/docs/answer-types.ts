/**
 * Writes the types of the client's answers from the schemas that the service answers with. They stand alone: who installs the client
 * installs neither the schemas nor their library.
 */
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';

import * as administration from '../../src/http/shapes/administration.js';
import * as event from '../../src/http/shapes/event.js';
import * as media from '../../src/http/shapes/media.js';
import * as message from '../../src/http/shapes/message.js';
import * as outbound from '../../src/http/shapes/outbound.js';

/** Name, schema, and what the answer is. */
const types: readonly (readonly [name: string, schema: z.ZodType, description: string])[] = [
  ['Media', media.media, 'A received, sent or uploaded file.'],
  ['MediaFacts', media.mediaFacts, 'A media item for a token that may not read media.'],
  ['MediaHistory', media.mediaHistory, 'How a media item got where it is.'],
  ['SignedLink', media.link, 'A link that needs no token.'],
  ['Erased', media.erased, 'What was erased, or would be.'],
  ['Message', message.message, 'A message, received or sent, with its media.'],
  ['DeliverySummary', message.deliverySummary, 'A webhook of a provider.'],
  ['Delivery', message.delivery, 'A webhook of a provider with its headers and its body.'],
  ['Receipt', message.receipt, 'What a webhook was.'],
  ['OutboundMessage', outbound.outbound, 'A message that is sent through the API.'],
  ['QueuedMessage', outbound.queued, 'The answer to a message that is to be sent.'],
  ['ChannelLimits', outbound.channelLimits, 'What may be sent in a channel.'],
  ['Channel', administration.channel, 'An account at a provider.'],
  ['ChannelWithSecret', administration.channelWithSecret, 'A channel with the secret that is shown once.'],
  ['Provider', administration.provider, 'A messaging company, and the settings of its channels.'],
  ['Token', administration.token, 'An API token, without the token itself.'],
  ['TokenDetails', administration.tokenDetails, 'An API token with the objects that it has created.'],
  ['TokenWithSecret', administration.tokenWithSecret, 'A new API token; it is shown once.'],
  ['Session', administration.session, 'Who is signed in.'],
  ['AuditEntry', administration.auditEntry, 'Something that was done, and by which token.'],
  ['Stats', administration.stats, 'Counts of media; days are those of UTC.'],
  ['InletEvent', event.event, 'Something that has happened.'],
  ['StreamEvent', event.streamEvent, 'What a stream of events tells about itself.'],
  ['Subscription', event.subscription, 'A URL that events are posted to.'],
  [
    'SubscriptionWithSecret',
    event.subscriptionWithSecret,
    'A subscription with the secret that is shown once.',
  ],
  ['SampleResult', event.sampleResult, 'What came of a sample event.'],
  ['NotificationDelivery', event.notificationDelivery, 'An event on its way to a subscription.'],
  ['ResendResult', event.resendResult, 'How many events are posted again.'],
];

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

/** `src/client/answers.ts`. */
export async function answerTypes(): Promise<string> {
  const names = z.registry<{ id: string }>();
  for (const [id, schema] of types) names.add(schema, { id });
  const { schemas } = z.toJSONSchema(names, { uri: (id) => id });
  const declared = types.map(([name, , description]) => {
    const schema = (schemas as Readonly<Record<string, Schema>>)[name] ?? {};
    const text = schema.properties
      ? `interface ${name} ${objectType(schema)}`
      : `type ${name} = ${typeOf(schema)};`;
    return `/** ${description} */\nexport ${text}\n`;
  });
  const source = [
    '// Generated from src/http/shapes by test/docs/answer-types.ts.',
    '// Change the schemas and run: UPDATE_DOCUMENTS=1 npm test -- test/docs/generated.test.ts',
    '',
    declared.join('\n'),
  ].join('\n');
  const options = await resolveConfig(import.meta.filename);
  return format(source, { ...options, parser: 'typescript' });
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(/^.*\//, '');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map(typeOf).join(' | ');
  if (Array.isArray(schema.type))
    return schema.type.map((type: string) => typeOf({ ...schema, type })).join(' | ');
  return typeOfOne(schema);
}

const simpleTypes = new Map([
  ['string', 'string'],
  ['boolean', 'boolean'],
  ['null', 'null'],
  ['number', 'number'],
  ['integer', 'number'],
]);

function typeOfOne(schema: Schema): string {
  const { type, items, properties } = schema;
  if (type === undefined) return 'unknown';
  if (type === 'array') return `readonly (${typeOf(items ?? {})})[]`;
  if (type === 'object') return properties ? objectType(schema) : recordType(schema);
  const simple = simpleTypes.get(String(type));
  if (simple === undefined) throw new Error(`there is no type for ${JSON.stringify(schema)}`);
  return simple;
}

function objectType({ properties = {}, required = [] }: Schema): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const isRequired = required.includes(name);
    const comment = schema.description === undefined ? '' : `/** ${schema.description} */\n`;
    return `${comment}readonly ${name}${isRequired ? '' : '?'}: ${typeOf(schema)}${isRequired ? '' : ' | undefined'};`;
  });
  return `{\n${members.join('\n')}\n}`;
}

function recordType({ propertyNames, additionalProperties, required }: Schema): string {
  const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  const record = `Record<${propertyNames ? typeOf(propertyNames) : 'string'}, ${values}>`;
  return `Readonly<${propertyNames?.enum && !required ? `Partial<${record}>` : record}>`;
}
