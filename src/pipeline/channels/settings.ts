/** The settings of a channel that is set up at run time: checked by its provider, sealed, and never shown again. */
import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { AppError, type FieldError } from '../../domain/errors.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { SealedBox } from '../../infra/secrets/sealed-box.js';

/** As they were given, by name. */
export type SettingValues = Readonly<Record<string, string>>;

/** Throws `request.invalid`, which names the settings that are wrong and never their values. */
export function buildAdapter(kind: ProviderKind, values: SettingValues, now: () => Date): ProviderAdapter {
  const fields = unknownSettings(kind, values);
  if (fields.length > 0) throw invalidSettings(fields);
  if (!kind.enabledBy.some((name) => Object.hasOwn(values, name))) {
    throw invalidSettings(
      kind.enabledBy.map((name) => ({ field: `settings.${name}`, message: 'is needed to prove who calls' })),
    );
  }
  try {
    return kind.load(values, now);
  } catch (error) {
    if (!(error instanceof z.ZodError))
      throw invalidSettings([{ field: 'settings', message: 'do not make a channel' }]);
    throw invalidSettings(
      error.issues.map(({ path: [name], message }) => ({
        field: name === undefined ? 'settings' : `settings.${String(name)}`,
        message,
      })),
    );
  }
}

function unknownSettings(kind: ProviderKind, values: SettingValues): FieldError[] {
  return Object.keys(values)
    .filter((name) => !kind.settings.some((setting) => setting.name === name))
    .map((name) => ({ field: `settings.${name}`, message: `is no setting of ${kind.id}` }));
}

function invalidSettings(fields: readonly FieldError[]): AppError {
  const detail = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new AppError('request.invalid', detail, { fields });
}

/** A secret that nobody can guess, in letters that need no escaping in an address. */
export const makeSecret = (): string => randomBytes(32).toString('base64url');

/** The new secret goes first; of those before, only the one that was first is still believed. */
export function rotated(before: string | undefined, made: string): string {
  const [previous = ''] = (before ?? '').split(',').map((secret) => secret.trim());
  return previous === '' ? made : `${made},${previous}`;
}

export interface SealedSettings {
  readonly seal: (values: SettingValues, channel: string) => Buffer;
  /** Throws where it cannot be opened, for instance since AUTH_SECRET has changed. */
  readonly open: (sealed: Uint8Array, channel: string) => SettingValues;
}

const stored = z.record(z.string(), z.string());

export function sealedSettings(box: SealedBox): SealedSettings {
  return {
    seal: (values, channel) => box.seal(JSON.stringify(values), channel),
    open: (sealed, channel) => stored.parse(JSON.parse(box.open(sealed, channel))),
  };
}
