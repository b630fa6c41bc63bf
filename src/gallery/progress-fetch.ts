import type { Fetch } from '../client/transport.js';

/** A `fetch` that tells how much of the body has left, from 0 to 1, which browsers do for XMLHttpRequest only. */
export function progressFetch(onProgress: (share: number) => void): Fetch {
  return (url, { method = 'GET', headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const abort = (): void => {
        request.abort();
      };
      request.open(method, url);
      request.responseType = 'text';
      new Headers(headers).forEach((value, name) => {
        request.setRequestHeader(name, value);
      });
      request.upload.onprogress = ({ loaded, total }) => {
        onProgress(total > 0 ? loaded / total : 0);
      };
      request.onload = () => {
        resolve(responseOf(request));
      };
      request.onerror = () => {
        reject(new TypeError('the service cannot be reached'));
      };
      request.onabort = () => {
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      request.onloadend = () => {
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort);
      request.send(body as XMLHttpRequestBodyInit | null);
    });
}

function responseOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/s);
    if (name !== '') headers.append(name, value);
  }
  const isEmpty = request.status === 204 || request.status === 304;
  return new Response(isEmpty ? null : request.responseText, { status: request.status, headers });
}
