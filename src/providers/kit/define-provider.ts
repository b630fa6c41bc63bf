import { z } from 'zod';

import type { ProviderAdapter } from '../../domain/provider.js';

const secretsOf = (minLength: number) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((secret) => secret.trim())
        .filter((secret) => secret !== ''),
    )
    .pipe(
      z
        .array(z.string().min(minLength, `each secret needs at least ${String(minLength)} characters`))
        .min(1, 'is empty'),
    );

/** Several secrets that the operator chooses, comma separated, so that one can be rotated without a gap. Short ones can be guessed. */
export const secretList = secretsOf(16);

/** The same for secrets that the provider chooses: they are as long as they are. */
export const issuedSecretList = secretsOf(8);

/** Exact hosts (`host` or `host:port`), comma separated. */
export const hostList = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
  );

/** Replaces the provider's scheme and host; paths stay. */
export const apiUrl = (standard: string) =>
  z
    .url({ protocol: /^https?$/ })
    .default(standard)
    .transform((url) => url.replace(/\/+$/, ''));

/** A PEM in the setting itself, or a path to one: the configuration reads the file, providers do no I/O. */
export const pemOrPath = z.string().meta({ contentFromFile: true });

export interface ProviderDefinition<Id extends string = string> {
  /** Also the name of the channel that the environment makes. */
  readonly id: Id;
  /** Name of a setting → name of its environment variable, e.g. `webhookSecret` → `ZAPI_WEBHOOK_SECRET`. */
  readonly envKeys: Readonly<Record<string, string>>;
  /** Settings whose value may be a path, to be replaced by the file's content. */
  readonly fileSettings: readonly string[];
  /** At least one of these settings makes the channel exist; without any there is no route (fail closed). */
  readonly enabledBy: readonly string[];
  /** Checks settings (by their own names) and builds the adapter. Throws a ZodError that never holds values. */
  readonly load: (settings: unknown, now: () => Date) => ProviderAdapter;
}

/**
 * Declares a provider: its settings, and how an adapter is made of them.
 * Environment names follow from the prefix: prefix `ZAPI`, setting `clientToken` → `ZAPI_CLIENT_TOKEN`.
 */
export function defineProvider<const Id extends string, Shape extends z.ZodRawShape>(definition: {
  readonly id: Id;
  readonly envPrefix: string;
  readonly settings: z.ZodObject<Shape>;
  readonly enabledBy: readonly (keyof Shape & string)[];
  readonly create: (settings: z.infer<z.ZodObject<Shape>>, now: () => Date) => ProviderAdapter;
}): ProviderDefinition<Id> {
  const { id, envPrefix, settings, enabledBy, create } = definition;
  const names = Object.keys(settings.shape);
  return {
    id,
    enabledBy,
    envKeys: Object.fromEntries(names.map((name) => [name, `${envPrefix}_${screamingSnake(name)}`])),
    fileSettings: names.filter((name) => isFileSetting(settings.shape[name])),
    load: (values, now) => create(settings.parse(values), now),
  };
}

function screamingSnake(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Looks through `optional()` and `default()` for the mark that {@link pemOrPath} leaves. */
function isFileSetting(schema: unknown): boolean {
  if (!(schema instanceof z.ZodType)) return false;
  if (schema.meta()?.['contentFromFile'] === true) return true;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? isFileSetting(schema.def.innerType)
    : false;
}
