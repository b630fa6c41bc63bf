/** Gives openid-client the calls of this service in place of `fetch`. */
import type { CustomFetch } from 'openid-client';

import { AppError } from '../../domain/errors.js';
import { listsHost } from '../../domain/host-list.js';
import { ownValue } from '../../domain/own-value.js';
import type { FormField, Http, HttpRequest, HttpResponse } from '../../domain/provider.js';

/** The identity provider cannot be reached, or says that it cannot answer now. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

/** The headers that openid-client reads. Others, such as the length, are about the bytes before decoding. */
const keptHeaders = ['content-type', 'www-authenticate', 'cache-control'];
/** Statuses whose answers have no body. */
const bodiless = new Set([204, 205, 304]);
/** So many requests that the provider refuses more of them. */
const tooMany = 429;

/**
 * Calls checked addresses only, with one timeout for the whole call and a limit for the answer, and follows no
 * redirect. The provider names most addresses itself, so each of them must use TLS, unless the operator lists
 * its host.
 */
export function createGuardedFetch(http: Http, allowPrivateHosts: readonly string[]): CustomFetch {
  return async (address, { method, headers, body }) => {
    const url = new URL(address);
    if (url.protocol !== 'https:' && !listsHost(allowPrivateHosts, url))
      throw new Error(`the identity provider names an address at ${url.host} without TLS`);
    const request: HttpRequest = {
      method: method as HttpRequest['method'],
      url: address,
      headers,
      ...(body instanceof URLSearchParams && { urlencoded: fieldsOf(body) }),
    };
    return toFetchAnswer(await answerTo(http, request, url.host));
  };
}

async function answerTo(http: Http, request: HttpRequest, host: string): Promise<HttpResponse> {
  const answer = await http(request).catch((cause: unknown) => {
    if (!(cause instanceof AppError) || cause.code === 'media.too_large') throw cause;
    throw new ProviderUnavailable(`${host} cannot be reached: ${cause.message}`, { cause });
  });
  if (answer.status >= 500 || answer.status === tooMany)
    throw new ProviderUnavailable(`${host} answered ${String(answer.status)}`);
  return answer;
}

function fieldsOf(body: URLSearchParams): FormField[] {
  return [...body].map(([name, value]) => ({ name, value }));
}

function toFetchAnswer({ status, headers, body }: HttpResponse): Response {
  const kept = keptHeaders.flatMap((name) => {
    const value = ownValue(headers, name);
    return value === undefined ? [] : [[name, value] satisfies [string, string]];
  });
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Response(bodiless.has(status) ? null : text, { status, headers: kept });
}
