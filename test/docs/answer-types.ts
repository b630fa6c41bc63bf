/**
 * Writes the types of the client's answers from the schemas that the service answers with. They stand alone:
 * who installs the client installs neither the schemas nor their library.
 */
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';

import * as administration from '../../src/http/shapes/administration.js';
import * as alert from '../../src/http/shapes/alert.js';
import * as backfill from '../../src/http/shapes/backfill.js';
import * as connection from '../../src/http/shapes/connection.js';
import * as event from '../../src/http/shapes/event.js';
import * as evidence from '../../src/http/shapes/evidence.js';
import * as fact from '../../src/http/shapes/fact.js';
import * as hold from '../../src/http/shapes/hold.js';
import * as media from '../../src/http/shapes/media.js';
import * as message from '../../src/http/shapes/message.js';
import * as outbound from '../../src/http/shapes/outbound.js';
import * as person from '../../src/http/shapes/person.js';
import * as share from '../../src/http/shapes/share.js';
import * as preview from '../../src/http/shapes/preview.js';
import * as savedView from '../../src/http/shapes/saved-view.js';
import * as user from '../../src/http/shapes/user.js';

/** Name, schema, and what the answer is. */
const types: readonly (readonly [name: string, schema: z.ZodType, description: string])[] = [
  ['Media', media.media, 'A received, sent or uploaded file.'],
  ['Annotations', media.annotations, 'What people note about a media item.'],
  ['MediaFacts', media.mediaFacts, 'A media item for a token that may not read media.'],
  ['Fact', fact.fact, 'What a program has found out about a media item.'],
  ['SavedView', savedView.savedView, 'Filters of the list of media under a name.'],
  ['MediaHistory', media.mediaHistory, 'How a media item got where it is.'],
  ['Evidence', evidence.evidence, 'A report about a media item, for disputes.'],
  ['Hold', hold.hold, 'What must not be erased, and why.'],
  ['SimilarMedia', media.similarMedia, 'A media item that looks like another one.'],
  ['DocumentPages', media.documentPages, 'The pages of a PDF.'],
  ['SignedLink', media.link, 'A link that needs no token.'],
  ['Erased', media.erased, 'What was erased, or would be.'],
  ['Person', person.person, 'A person or a group, with what was exchanged.'],
  ['PersonDetails', person.personDetails, 'A person or a group, and other channels with the same number.'],
  ['TimelineItem', person.timeline, 'Something that was exchanged with a person or in a group.'],
  ['Message', message.message, 'A message, received or sent, with its media.'],
  ['DeliverySummary', message.deliverySummary, 'A webhook of a provider.'],
  ['Delivery', message.delivery, 'A webhook of a provider with its headers and its body.'],
  ['Receipt', message.receipt, 'What a webhook was.'],
  ['OutboundMessage', outbound.outbound, 'A message that is sent through the API.'],
  ['QueuedMessage', outbound.queued, 'The answer to a message that is to be sent.'],
  ['ChannelLimits', outbound.channelLimits, 'What may be sent in a channel.'],
  ['Channel', administration.channel, 'An account at a provider.'],
  ['ChannelWithSecret', administration.channelWithSecret, 'A channel with the secret that is shown once.'],
  ['Connection', connection.connection, 'What a provider knows about the webhook of a channel.'],
  ['Backfill', backfill.backfill, 'What was fetched of messages whose webhooks did not arrive.'],
  ['Provider', administration.provider, 'A messaging company, and the settings of its channels.'],
  ['Preview', preview.preview, 'What a channel would make of a webhook.'],
  ['Token', administration.token, 'An API token, without the token itself.'],
  ['TokenDetails', administration.tokenDetails, 'An API token with the objects that it has created.'],
  ['TokenWithSecret', administration.tokenWithSecret, 'A new API token; it is shown once.'],
  ['Share', share.share, 'A page with files behind a link.'],
  ['ShareWithLink', share.shareWithLink, 'A new share with its link, which is shown once.'],
  ['User', user.user, 'A person who signs in to the gallery.'],
  ['UserWithInvitation', user.userWithInvitation, 'A user with the link that is shown once.'],
  ['Invitation', user.invitation, 'Whom the link of an invitation is for.'],
  ['WaysOfSignIn', user.waysOfSignIn, 'The ways of signing in.'],
  ['Session', user.session, 'Who is signed in.'],
  ['UserSession', user.userSession, 'A session of a user, on one device.'],
  ['AuditEntry', administration.auditEntry, 'Something that was done, and by which user or token.'],
  ['Stats', administration.stats, 'Counts of media; days are those of UTC.'],
  ['Alert', alert.alert, 'Something that is wrong now.'],
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
