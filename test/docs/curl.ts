/** Runs the curl commands of a document the way curl would, as far as the documents use it. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { expand, type Variables } from './shell.js';

interface CurlCall {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly [name: string, value: string][];
  readonly data: string | undefined;
  /** `-F name=value`; a value that begins with `@` is a file. */
  readonly form: readonly [name: string, value: string][];
  /** `-o`: where the body is written to. */
  readonly output: string | undefined;
  /** `-m`: after so many seconds it ends, with the bytes received until then. */
  readonly seconds: number | undefined;
  /** `-c`: the file that cookies are written to. */
  readonly cookiesTo: string | undefined;
  /** `-b`: the file that cookies are read from. */
  readonly cookiesFrom: string | undefined;
}

/**
 * Throws for options that it does not know, and for variables that have no value. `input` is what stands in
 * for `-d @-`, with its variables not yet replaced.
 */
export function parseCurl(command: string, variables: Variables, input?: string): CurlCall {
  const given = optionsOf(wordsOf(command, variables).slice(1));
  const all = (option: string): string[] => given.get(option) ?? [];
  const data = all('-d')[0] === '@-' ? expand(input ?? '', variables).replaceAll('\n', '') : all('-d')[0];
  const sends = data !== undefined || all('-F').length > 0;
  return {
    method: all('-X')[0] ?? (sends ? 'POST' : 'GET'),
    url: all('url')[0] ?? '',
    headers: all('-H').map((header) => split(header, ':')),
    form: all('-F').map((field) => split(field, '=')),
    data,
    output: all('-o')[0],
    seconds: all('-m').map(Number)[0],
    cookiesTo: all('-c')[0],
    cookiesFrom: all('-b')[0],
  };
}

/** The longest wait for what a stream brings. */
const streamMs = 60_000;

/**
 * `find` says where a file that the command names really is. A command that ends by itself after some seconds
 * (`-m`) reads a stream; it ends here as soon as that has brought `awaited`, however slow the machine is.
 */
export async function runCurl(
  call: CurlCall,
  find: (name: string) => string,
  awaited = '',
): Promise<Response> {
  const { method, url, data, form, seconds } = call;
  const headers = new Headers(call.headers.map(([name, value]) => [name, value]));
  if (call.cookiesFrom !== undefined) headers.set('cookie', await readFile(find(call.cookiesFrom), 'utf8'));
  if (seconds !== undefined) return fetchUntil(awaited, url, { method, headers });
  if (form.length === 0) {
    const response = await fetch(url, { method, headers, ...(data !== undefined && { body: data }) });
    if (call.cookiesTo !== undefined) await writeFile(find(call.cookiesTo), cookiesOf(response));
    return response;
  }
  const body = new FormData();
  for (const [name, value] of form) {
    const file = /^@(.+)$/.exec(value)?.[1];
    if (file === undefined) body.set(name, value);
    else body.set(name, new Blob([new Uint8Array(await readFile(find(file)))]), basename(file));
  }
  return fetch(url, { method, headers, body });
}

/** The cookies as the header `Cookie` has them. */
function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0] ?? '')
    .join('; ');
}

async function fetchUntil(awaited: string, url: string, request: RequestInit): Promise<Response> {
  const signal = AbortSignal.timeout(streamMs);
  const response = await fetch(url, { ...request, signal });
  let body = Buffer.alloc(0);
  try {
    for await (const chunk of response.body ?? []) {
      body = Buffer.concat([body, chunk as Uint8Array]);
      if (body.includes(awaited)) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return new Response(body, { status: response.status });
}

const known = ['-X', '-H', '-F', '-d', '-o', '-m', '-c', '-b'];

/** Values by option; what belongs to no option is the `url`. */
function optionsOf(words: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  let option = 'url';
  for (const word of words) {
    if (option === 'url' && ['-s', '-sf', '-N'].includes(word)) continue;
    if (option === 'url' && word.startsWith('-')) {
      if (!known.includes(word)) throw new Error(`curl.ts does not know ${word}`);
      option = word;
    } else {
      given.set(option, [...(given.get(option) ?? []), word]);
      option = 'url';
    }
  }
  return given;
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Words of a shell command: 'as it is', "with $VARIABLES and \" escapes", or bare. */
function wordsOf(command: string, variables: Variables): string[] {
  const words = command.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"|[^'"]+/g, (part) => {
      if (part.startsWith("'")) return part.slice(1, -1);
      const text = part.startsWith('"') ? part.slice(1, -1).replaceAll(/\\(["\\$])/g, '$1') : part;
      return expand(text, variables);
    }),
  );
}
