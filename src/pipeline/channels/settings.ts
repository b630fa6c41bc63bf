/**
 * The settings of a channel that is configured at run time: validated by its provider, encrypted, and never
 * shown again.
 */
import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { AppError, type FieldError } from '../../domain/errors.js';
import { wordsOf } from '../../domain/issue-words.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { SealedBox } from '../../infra/secrets/sealed-box.js';

/** Setting values by name, as entered. */
export type SettingValues = Readonly<Record<string, string>>;

/** Throws `request.invalid`, which names the invalid settings and never their values. */
export function buildAdapter(kind: ProviderKind, values: SettingValues, now: () => Date): ProviderAdapter {
  const fields = unknownSettings(kind, values);
  if (fields.length > 0) throw invalidSettings(fields);
  if (!kind.enabledBy.some((name) => Object.hasOwn(values, name))) {
    throw invalidSettings(
      kind.enabledBy.map((name) => ({
        field: `settings.${name}`,
        message: 'is required to verify webhooks',
      })),
    );
  }
  try {
    return kind.load(values, now);
  } catch (error) {
    if (!(error instanceof z.ZodError))
      throw invalidSettings([{ field: 'settings', message: 'are not valid for this provider' }]);
    throw invalidSettings(
      error.issues.map((issue) => ({ field: settingOf(issue), message: messageOf(issue) })),
    );
  }
}

function settingOf({ path: [name] }: z.core.$ZodIssue): string {
  return name === undefined ? 'settings' : `settings.${String(name)}`;
}

/** A setting with JSON has places of its own. Those of a list say nothing, because it is entered as one text. */
function messageOf(issue: z.core.$ZodIssue): string {
  const place = issue.path.slice(1).filter((name) => typeof name === 'string');
  return place.length === 0 ? wordsOf(issue) : `${place.join('.')} ${wordsOf(issue)}`;
}

function unknownSettings(kind: ProviderKind, values: SettingValues): FieldError[] {
  return Object.keys(values)
    .filter((name) => !kind.settings.some((setting) => setting.name === name))
    .map((name) => ({ field: `settings.${name}`, message: `is not a setting of ${kind.id}` }));
}

function invalidSettings(fields: readonly FieldError[]): AppError {
  return AppError.ofFields('request.invalid', fields);
}

/** An unguessable secret in characters that need no escaping in a URL. */
export const makeSecret = (): string => randomBytes(32).toString('base64url');

/** The new secret comes first. Of the old ones, only the current one remains valid. */
export function rotated(current: string | undefined, secret: string): string {
  const [previous = ''] = (current ?? '').split(',').map((value) => value.trim());
  return previous === '' ? secret : `${secret},${previous}`;
}

export interface SealedSettings {
  readonly seal: (values: SettingValues, channel: string) => Buffer;
  /** Throws if the settings cannot be decrypted, for example because AUTH_SECRET has changed. */
  readonly open: (sealed: Uint8Array, channel: string) => SettingValues;
}

const stored = z.record(z.string(), z.string());

export function sealedSettings(box: SealedBox): SealedSettings {
  return {
    seal: (values, channel) => box.seal(JSON.stringify(values), channel),
    open: (sealed, channel) => stored.parse(JSON.parse(box.open(sealed, channel))),
  };
}
