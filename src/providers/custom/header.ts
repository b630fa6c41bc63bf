/** Headers that the settings declare as `Name: value`. */
import { z } from 'zod';

import type { HeaderRecord } from '../../domain/provider.js';

/** A name and a value as RFC 9110 allows them. */
const line = /^([\w!#$%&'*+.^`|~-]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)$/;
const reserved =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|range|accept-encoding)$/i;

/** Whether a header belongs to the connection or to the body. */
export function isReservedHeader(name: string): boolean {
  return reserved.test(name);
}

/** A setting with one header, whose value is secret. */
export const httpHeader = (description: string) =>
  z
    .string()
    .regex(line, 'must have the form "Name: value"')
    .refine((text) => !isReservedHeader(nameIn(text)), 'is a header that Inlet sets itself')
    .meta({ description, secret: true });

/** The header of a setting; none if there is none. */
export function headerOf(text: string | undefined): HeaderRecord {
  const [, name, value = ''] = line.exec(text ?? '') ?? [];
  return name === undefined ? {} : { [name.toLowerCase()]: value };
}

function nameIn(text: string): string {
  return text.split(':', 1)[0] ?? '';
}
