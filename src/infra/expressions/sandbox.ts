/**
 * Evaluates JSONata in a context of its own, where nothing exists but the language: no `process`, no
 * `require`, no code from texts. Only texts go in and come out, so that an expression never holds an object
 * of the outside. Runs in the process of evaluator-process.ts, because only the operating system limits the
 * memory of a context.
 */
import { readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';

import type { PlaceInInput } from '../../domain/evaluation.js';
import { placesOf } from './places.js';

/** The limits of JSONata itself, which end most evaluations with a reason before the process is ended. */
export interface SandboxLimits {
  readonly timeoutMs: number;
  /** The depth of nested calls. */
  readonly depth: number;
  /** The items of a list that the expression builds. */
  readonly items: number;
}

/** One expression in its own context. */
export interface Sandbox {
  /**
   * Evaluates the expression over a JSON text. Resolves to the JSON of an {@link Answer}. `byPlace` is the
   * name of members whose texts are replaced by their places in the input, as `PlaceInInput` in
   * src/domain/evaluation.ts.
   */
  readonly run: (input: string, byPlace?: string) => Promise<string>;
}

/** Without a member `value`, the expression has no result. */
export type Answer = { readonly value?: unknown } | { readonly problem: Problem };

/** Why there is no result. Contains texts of the expression, but none of the data. */
export interface Problem {
  /** JSONata's code, such as `T2001`; null for any other failure. */
  readonly code: string | null;
  /** The character of the expression near which it failed; null if unknown. */
  readonly position: number | null;
  readonly message: string;
}

/** Compiles JSONata, whose file is given, once for all contexts. */
export function createSandboxes(jsonataFile: string, limits: SandboxLimits): (expression: string) => Sandbox {
  const guests = [
    startGuest,
    harden,
    compileGuest,
    answerOf,
    placesOf,
    problemOf,
    messageOf,
    withoutFunctions,
  ];
  const source = guests.map((guest) => guest.toString()).join('\n');
  const library = new Script(
    `${readFileSync(jsonataFile, 'utf8')}\n;(() => { ${source}\nreturn startGuest; })()`,
  );
  return (expression) => {
    const context = createContext(Object.create(null) as object, {
      codeGeneration: { strings: false, wasm: false },
    });
    const start = library.runInContext(context) as (options: string) => Sandbox['run'];
    const options: GuestOptions = { ...limits, expression };
    return { run: start(JSON.stringify(options)) };
  };
}

/*
 * The functions below run inside the context, from their source text: they use nothing but the language, their
 * parameters, and each other.
 */

/** Only primitive values: an object could lead outside. */
type GuestOptions = SandboxLimits & { readonly expression: string };

interface Jsonata {
  readonly evaluate: (input: unknown) => Promise<unknown>;
  readonly registerFunction: (name: string, implementation: () => never) => void;
}

type MakeJsonata = (expression: string, limits: object) => Jsonata;

function startGuest(optionsJson: string): Sandbox['run'] {
  const options = JSON.parse(optionsJson) as GuestOptions;
  const make = (globalThis as unknown as { readonly jsonata: MakeJsonata }).jsonata;
  harden();
  const limits = { timeout: options.timeoutMs, stack: options.depth, sequence: options.items };
  let expression: Jsonata | undefined;
  return async (input, byPlace) => {
    try {
      expression ??= compileGuest(make, options.expression, limits);
      const data: unknown = JSON.parse(input);
      return answerOf(await expression.evaluate(data), data, byPlace);
    } catch (error) {
      return problemOf(typeof error === 'object' && error !== null ? error : {});
    }
  };
}

/** What an expression changes would stay for later webhooks of its channel, so there is nothing to change. */
function harden(): void {
  for (const name of ['console', 'jsonata', 'WebAssembly', 'SharedArrayBuffer', 'Atomics'])
    Reflect.deleteProperty(globalThis, name);
  // JSONata gives lists a method of their own, which a frozen prototype would prevent.
  Object.seal(Array.prototype);
  const shared = [Object, Function, String, Number, Boolean, RegExp, Promise, Error, Date, Map, Set, Symbol];
  for (const one of shared) {
    Object.freeze(one.prototype);
    Object.freeze(one);
  }
}

function compileGuest(make: MakeJsonata, text: string, limits: object): Jsonata {
  const expression = make(text, limits);
  // Data must not become expressions, and JSONata's Base64 needs Node.js.
  for (const name of ['eval', 'base64encode', 'base64decode'])
    expression.registerFunction(name, () => {
      throw Object.assign(new Error(`$${name} is not available here`), { code: 'unavailable' });
    });
  return expression;
}

/** An expression whose whole result is a function was never applied to the data. */
function answerOf(value: unknown, data: unknown, byPlace: string | undefined): string {
  if (value !== undefined && withoutFunctions('', value) === undefined)
    return JSON.stringify({ problem: { code: null, position: null, message: 'the result is a function' } });
  const wanted = new Set<string>();
  // Without the texts, most answers are complete after this, and no answer is large because of them.
  const answer = JSON.stringify({ value }, (name, member: unknown) => {
    if (name !== byPlace || typeof member !== 'string') return withoutFunctions(name, member);
    wanted.add(member);
    return null;
  });
  if (wanted.size === 0) return answer;
  const places = placesOf(wanted, data);
  const placeOf = (text: string): PlaceInInput => ({ pointer: places.get(text) ?? null });
  return JSON.stringify({ value }, (name, member: unknown) =>
    name === byPlace && typeof member === 'string' ? placeOf(member) : withoutFunctions(name, member),
  );
}

interface GuestError {
  readonly code?: unknown;
  readonly position?: unknown;
  readonly message?: unknown;
  readonly value?: unknown;
  readonly value2?: unknown;
  readonly exp?: unknown;
}

function problemOf(error: GuestError): string {
  const code = typeof error.code === 'string' ? error.code : null;
  const position = typeof error.position === 'number' ? error.position : null;
  return JSON.stringify({ problem: { code, position, message: messageOf(error, code) } });
}

/** The variable parts of JSONata's texts come from the expression, except for values, which are left out. */
function messageOf({ message, value, value2, exp }: GuestError, code: string | null): string {
  if (code === 'D3137' || code === 'D3141') return 'the expression has ended itself with $error or $assert';
  if (code === null) return 'a function cannot process these values, or the result is too large';
  let text = String(message);
  if (!code.startsWith('S'))
    for (const data of [value, value2, exp])
      if (data !== undefined) text = text.replaceAll(JSON.stringify(data), '…');
  return text.slice(0, 300);
}

/** Functions of JSONata are no data. */
function withoutFunctions(_name: string, value: unknown): unknown {
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  return '_jsonata_lambda' in value || '_jsonata_function' in value ? undefined : value;
}
