/**
 * Each route has one declaration. `mount` makes the Express route from it, with authentication, limits and
 * validation; `openapi` makes the operation of the document; docs/routes.md is generated from it.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';

import type { Access, Scope } from '../../domain/access.js';
import type { AppError, RequestErrorCode } from '../../domain/errors.js';
import type { LoadLimits } from '../middleware/load-limits.js';

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof methods)[number];

/** `token`: any token. `public`: no token, or the route authenticates the caller itself. */
export type RouteScope = Scope | 'token' | 'public';

export type LimitKind = keyof LoadLimits;

export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** The default is JSON if there is a schema, and no body otherwise. */
  readonly contentType?: string;
  /** A browser gets a page in place of the JSON of the schema. */
  readonly hasPage?: true;
  /** `Location` is the address of the created object: the path of the route and the `id` of the answer. */
  readonly hasLocation?: true;
  /** The answer contains a secret, which must not be cached. */
  readonly isSecret?: true;
}

export type Answers = Readonly<Record<number, Answer>>;

/** The parts of a route that the document and the generated pages show. */
export interface RouteDescription {
  readonly method: Method;
  /** The path with parameters in braces: `/v1/media/{id}`. */
  readonly path: string;
  readonly scope: RouteScope;
  /** The route also accepts a signed link instead of a token. */
  readonly signedLink?: true;
  /** Names the operation for generated clients: a verb and a noun. */
  readonly operationId: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** The names are spelled as usual. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body may be omitted; it is then an empty object. */
  readonly bodyOptional?: true;
  /** The content type of the body; JSON by default. Only raw routes read other types. */
  readonly bodyType?: string;
  /** The successful answers by status. */
  readonly answers: Answers;
  /** The error codes of this route, without those that follow from its declaration. */
  readonly errors?: readonly RequestErrorCode[];
}

/** The parts of a route that do not follow from its description. */
export interface Serving<Services> {
  /**
   * The limit that counts the requests in progress; `query` by default. Public routes have no limit unless
   * they name one.
   */
  readonly limit?: LimitKind | ((request: Request) => LimitKind);
  /** Replaces the check that follows from the scope. It sets the access by which the limits count. */
  readonly openedBy?: (services: Services) => RequestHandler;
  /** The error for parameters of the path that cannot exist; by default they are invalid input. */
  readonly notFound?: () => AppError;
}

interface Inputs<Params, Query, Headers, Body> {
  readonly params?: Params;
  readonly query?: Query;
  readonly headers?: Headers;
  readonly body?: Body;
}

type Parsed<Schema> = [Schema] extends [never] ? undefined : z.output<Schema>;

/** A request with its input, as the schemas of the route parse it. */
export interface RouteCall<Params, Query, Headers, Body, Caller> {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly headers: Parsed<Headers>;
  readonly body: Parsed<Body>;
  /** Undefined for a public route. */
  readonly access: Caller extends 'public' ? undefined : Access;
  /** Needed for everything outside the schemas: cookies, files, and whether the caller is still connected. */
  readonly request: Request;
  readonly response: Response;
}

/** The body of the answer. It may be readonly, because it is only serialised. */
type BodyOf<Statuses extends Answers> = {
  [Status in keyof Statuses]: Statuses[Status] extends { readonly schema: infer Schema }
    ? DeepReadonly<z.output<Schema>>
    : undefined;
}[keyof Statuses];

type DeepReadonly<Value> = Value extends object
  ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
  : Value;

export interface Route<Services> extends RouteDescription, Serving<Services> {
  /** Whether the handler writes the response itself. */
  readonly isRaw: boolean;
  readonly make: (services: Services) => Handler;
}

/** Only the route knows the type of the call. */
type Handler = (call: never) => unknown;

type Declaration<Services, Caller, Statuses> = Omit<
  RouteDescription,
  'params' | 'query' | 'headers' | 'body' | 'scope' | 'answers'
> &
  Serving<Services> & { readonly scope: Caller; readonly answers: Statuses };

/** Declares a route that responds with JSON of the declared shape, or without a body. */
export function route<
  Services,
  const Caller extends RouteScope,
  const Statuses extends Answers,
  Params extends z.ZodObject = never,
  Query extends z.ZodObject = never,
  Headers extends z.ZodObject = never,
  Body extends z.ZodType = never,
>(
  declaration: Declaration<Services, Caller, Statuses> & Inputs<Params, Query, Headers, Body>,
  make: (
    services: Services,
  ) => (
    call: RouteCall<Params, Query, Headers, Body, Caller>,
  ) => BodyOf<NoInfer<Statuses>> | Promise<BodyOf<NoInfer<Statuses>>>,
): Route<Services> {
  if (Object.keys(declaration.answers).length !== 1)
    throw new Error(`${declaration.operationId} has several answers, which only a raw route can have`);
  return { ...declaration, isRaw: false, make };
}

/**
 * Declares a route whose handler writes the response itself: bytes, streams, other content types, several
 * statuses.
 */
export function rawRoute<
  Services,
  const Caller extends RouteScope,
  Params extends z.ZodObject = never,
  Query extends z.ZodObject = never,
  Headers extends z.ZodObject = never,
  Body extends z.ZodType = never,
>(
  declaration: Declaration<Services, Caller, Answers> & Inputs<Params, Query, Headers, Body>,
  make: (
    services: Services,
  ) => (call: RouteCall<Params, Query, Headers, Body, Caller>) => void | Promise<void>,
): Route<Services> {
  return { ...declaration, isRaw: true, make };
}
