/**
 * One declaration for each route. `mount` makes the Express route from it, with the authentication, the limits and the checks of the
 * input; `openapi` makes the operation of the document; docs/routes.md is written from it.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';

import type { Access, Scope } from '../../domain/access.js';
import type { AppError, RequestErrorCode } from '../../domain/errors.js';
import type { LoadLimits } from '../middleware/load-limits.js';

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof methods)[number];

/** `token`: any token; `public`: none, or the route checks the caller itself. */
export type RouteScope = Scope | 'token' | 'public';

export type LimitKind = keyof LoadLimits;

export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** JSON if there is a schema, no body if there is neither. */
  readonly contentType?: string;
  /** `Location` is the address of what was made: the path of the route and the `id` of the answer. */
  readonly hasLocation?: true;
  /** It shows a secret, which no cache may keep. */
  readonly isSecret?: true;
}

export type Answers = Readonly<Record<number, Answer>>;

/** What the document and the generated pages say about a route. */
export interface RouteDescription {
  readonly method: Method;
  /** With parameters in braces: `/v1/media/{id}`. */
  readonly path: string;
  readonly scope: RouteScope;
  /** A signed link opens it as well, without any token. */
  readonly signedLink?: true;
  /** Names the operation for generated clients: a verb and a noun. */
  readonly operationId: string;
  /** One line, as a sentence without its end. */
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** By the names of the headers, as they are usually written. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Whether it may be left out altogether; it is an empty object then. */
  readonly bodyOptional?: true;
  /** Of the body; JSON when not given. Only a raw route reads any other. */
  readonly bodyType?: string;
  /** What success looks like, by status. */
  readonly answers: Answers;
  /** Codes of problems that are special to this route, beyond those that every route may answer with. */
  readonly errors?: readonly RequestErrorCode[];
}

/** How a route is served, where that does not follow from its description. */
export interface Serving<Services> {
  /** Requests under way are counted as this kind; `query` if not given. Routes without a scope have no limit unless they name one. */
  readonly limit?: LimitKind | ((request: Request) => LimitKind);
  /** In place of the check that follows from the scope. It sets the access that limits count by. */
  readonly openedBy?: (services: Services) => RequestHandler;
  /** The answer to a path whose parameters can name nothing; without it they are invalid input. */
  readonly notFound?: () => AppError;
}

interface Inputs<Params, Query, Headers, Body> {
  readonly params?: Params;
  readonly query?: Query;
  readonly headers?: Headers;
  readonly body?: Body;
}

type Parsed<Schema> = [Schema] extends [never] ? undefined : z.output<Schema>;

/** A request, with its input as the schemas of the route make it. */
export interface RouteCall<Params, Query, Headers, Body, Caller> {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly headers: Parsed<Headers>;
  readonly body: Parsed<Body>;
  /** Undefined for a public route. */
  readonly access: Caller extends 'public' ? undefined : Access;
  /** For what no schema says: cookies, files, and whether the caller is still there. */
  readonly request: Request;
  readonly response: Response;
}

/** The body of the answer. It may be readonly, since it is only written. */
type BodyOf<Statuses extends Answers> = {
  [Status in keyof Statuses]: Statuses[Status] extends { readonly schema: infer Schema }
    ? DeepReadonly<z.output<Schema>>
    : undefined;
}[keyof Statuses];

type DeepReadonly<Value> = Value extends object
  ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
  : Value;

export interface Route<Services> extends RouteDescription, Serving<Services> {
  /** Whether the handler writes the answer itself. */
  readonly isRaw: boolean;
  readonly make: (services: Services) => Handler;
}

/** What the call holds is known to the route only. */
type Handler = (call: never) => unknown;

type Declaration<Services, Caller, Statuses> = Omit<
  RouteDescription,
  'params' | 'query' | 'headers' | 'body' | 'scope' | 'answers'
> &
  Serving<Services> & { readonly scope: Caller; readonly answers: Statuses };

/** A route that answers with JSON of the declared shape, or with nothing. */
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
    throw new Error(`${declaration.operationId} has several answers: only a raw route can choose`);
  return { ...declaration, isRaw: false, make };
}

/** A route whose handler writes the answer itself: bytes, streams, pages of other types, several statuses. */
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
