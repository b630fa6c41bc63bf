import { z } from 'zod';

import type { Connecting } from '../../domain/connection.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import type { ProviderExample, ProviderKind } from '../../domain/provider-kind.js';
import { messageStatuses, type MessageStatus } from '../../domain/provider.js';
import { itemsOfList } from '../../domain/text.js';

const secretsOf = (minLength: number, format = /^[^]*$/, formatText = '') =>
  z
    .string()
    .transform(itemsOfList)
    .pipe(
      z
        .array(
          z
            .string()
            .min(minLength, `each secret needs at least ${String(minLength)} characters`)
            .regex(format, formatText),
        )
        .min(1, 'is empty'),
    );

/**
 * Secrets that the operator chooses, separated by commas, so that one can be rotated without a gap. Short
 * ones can be guessed.
 */
export const secretList = secretsOf(16).meta({
  description:
    'Verifies the sender: at least 16 characters; several values, separated by commas, allow a rotation without a gap',
  secret: true,
});

/** Works like {@link secretList} for providers that restrict the characters. */
export const restrictedSecretList = (format: RegExp, formatText: string, description: string) =>
  secretsOf(16, format, formatText).meta({ description, secret: true });

/** Works like {@link secretList} for secrets that the provider issues, whose length is given. */
export const issuedSecretList = (description: string) => secretsOf(8).meta({ description, secret: true });

/** A secret as the provider displays it. */
export const credential = (description: string) => z.string().meta({ description, secret: true });

/** Exact hosts (`host` or `host:port`), separated by commas. */
export const hostList = z
  .string()
  .default('')
  .transform((text) => itemsOfList(text.toLowerCase()))
  .meta({
    description: 'More media hosts, comma separated: they may use any port and receive credentials',
  });

/** Replaces the scheme and host of an API, which is the provider's own unless named; paths stay. */
export const apiUrl = (standard: string, api = "the provider's API,") =>
  z
    .url({ protocol: /^https?$/ })
    .default(standard)
    .transform((url) => url.replace(/\/+$/, ''))
    .meta({ description: `Replaces the scheme and host of ${api} ${standard}` });

/** The exact host of a URL of {@link apiUrl}, with its port unless it is the usual one. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

/**
 * A PEM in the setting itself, or a path to one. The configuration reads the file, because providers do no
 * I/O.
 */
export const pemOrPath = z.string().meta({ contentFromFile: true });

const noConnection: Connecting = {
  absent:
    'the provider documents no API that sets the address of its webhooks: follow the steps of its setup',
};

/** How the environment configures a channel of the provider, which has the provider's name. */
export interface ProviderDefinition<Id extends string = string> extends ProviderKind<Id> {
  /** Maps a setting to its environment variable, for example `webhookSecret` → `ZAPI_WEBHOOK_SECRET`. */
  readonly envKeys: Readonly<Record<string, string>>;
  /** Maps a setting to its default, if it has one. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Settings whose value may be a path; it is replaced by the content of the file. */
  readonly fileSettings: readonly string[];
}

/**
 * Declares a provider: its settings, and how to build an adapter from them. Each setting has `.meta({
 * description })`, and `secret: true` if its value is secret. Environment names follow from the prefix:
 * prefix `ZAPI`, setting `clientToken` → `ZAPI_CLIENT_TOKEN`.
 */
export function defineProvider<const Id extends string, Shape extends z.ZodRawShape>(definition: {
  readonly id: Id;
  readonly envPrefix: string;
  readonly settings: z.ZodObject<Shape>;
  readonly enabledBy: readonly (keyof Shape & string)[];
  readonly ownSecret: (keyof Shape & string) | null;
  /** All statuses by default. */
  readonly reports?: readonly MessageStatus[];
  readonly setup: (webhookUrl: string) => readonly string[];
  /** None by default. */
  readonly examples?: readonly ProviderExample[];
  /** The provider has no API for this by default. */
  readonly connecting?:
    { readonly needs: readonly (readonly (keyof Shape & string)[])[] } | { readonly absent: string };
  readonly sending: {
    readonly needs: readonly (readonly (keyof Shape & string)[])[];
    readonly options: z.ZodObject;
  };
  readonly create: (settings: z.infer<z.ZodObject<Shape>>, now: () => Date) => ProviderAdapter;
}): ProviderDefinition<Id> {
  const { id, envPrefix, settings: schema, enabledBy, ownSecret, setup, sending, create } = definition;
  const { reports = messageStatuses, connecting = noConnection, examples = [] } = definition;
  const fields = Object.entries<unknown>(schema.shape);
  return {
    id,
    enabledBy,
    ownSecret,
    reports,
    connecting,
    setup,
    examples,
    sendingNeeds: sending.needs,
    sendOptions: z.toJSONSchema(sending.options, { io: 'input' }),
    settings: fields.map(([name, field]) => ({
      name,
      required: name !== ownSecret && !isOptional(field),
      secret: markOf(field, 'secret') === true,
      multiline: markOf(field, 'multiline') === true,
      group: textMarkOf(field, 'group') ?? null,
      description: textMarkOf(field, 'description') ?? '',
    })),
    envKeys: Object.fromEntries(fields.map(([name]) => [name, `${envPrefix}_${screamingSnake(name)}`])),
    defaults: Object.fromEntries(
      fields.flatMap(([name, field]) => {
        const standard = defaultOf(field);
        return standard === '' ? [] : [[name, standard]];
      }),
    ),
    fileSettings: fields
      .filter(([, field]) => markOf(field, 'contentFromFile') === true)
      .map(([name]) => name),
    load: (values, now) => create(schema.parse(values), now),
  };
}

function screamingSnake(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function isOptional(schema: unknown): boolean {
  return schema instanceof z.ZodType && schema.safeParse(undefined).success;
}

/** Empty if there is none. */
function defaultOf(schema: unknown): string {
  if (!(schema instanceof z.ZodType)) return '';
  const { data } = schema.safeParse(undefined);
  return typeof data === 'string' || typeof data === 'number' ? String(data) : '';
}

function textMarkOf(schema: unknown, mark: 'description' | 'group'): string | undefined {
  const text = markOf(schema, mark);
  return typeof text === 'string' ? text : undefined;
}

type Mark = 'contentFromFile' | 'description' | 'group' | 'multiline' | 'secret';

/** Reads `.meta()`, even inside `optional()` and `default()`. */
function markOf(schema: unknown, mark: Mark): unknown {
  if (!(schema instanceof z.ZodType)) return undefined;
  const own = schema.meta()?.[mark];
  if (own !== undefined) return own;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? markOf(schema.def.innerType, mark)
    : undefined;
}
