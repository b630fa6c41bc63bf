/** How a route is described: beside its handler, with the schemas that check its requests and shape its answers. */
import type { z } from 'zod';

import type { Scope } from '../domain/access.js';
import type { RequestErrorCode } from '../domain/errors.js';

export interface ApiRoute {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces: `/v1/media/{id}`. */
  readonly path: string;
  /** Null: needs no token. */
  readonly scope: Scope | null;
  /** Also opened by a signed link, without any token. */
  readonly signedLink?: true;
  /** One line, as a sentence without its end. */
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Whether it may be left out altogether. */
  readonly bodyOptional?: true;
  /** Of the body; JSON when not given. */
  readonly bodyType?: string;
  /** What success looks like, by status. */
  readonly answers: Readonly<Record<number, ApiAnswer>>;
  /** Codes of problems that are special to this route, beyond those that every route may answer with. */
  readonly errors?: readonly RequestErrorCode[];
}

export interface ApiAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** JSON when there is a schema, no body when there is neither. */
  readonly contentType?: string;
}
