/** A TLS host with a self-signed certificate. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A key and certificate for 127.0.0.1, which protect nothing. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQZhCQYcH/8lNzaAS
aZxuULXsZ/jK3/wEpE8xi6cl/+ChRANCAAQ2X3ABWUl0VDe1wCequBD6fqLRrFXY
IiOhwifJymXhNFd0Ap7v33auR5WyNMOKZXTMC9NHAm46tqNarrp4CLgY
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUGm/xM4fMMjJyykIfgPQJN7ZMmKUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJdGVzdCBob3N0MCAXDTI2MTEyOTA2NTIxM1oYDzIxMjYxMTA1
MDY1MjEzWjAUMRIwEAYDVQQDDAl0ZXN0IGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ2X3ABWUl0VDe1wCequBD6fqLRrFXYIiOhwifJymXhNFd0Ap7v33au
R5WyNMOKZXTMC9NHAm46tqNarrp4CLgYo2QwYjAdBgNVHQ4EFgQUw/wNo0Nmn1oj
BUKr4UDoQa7oD/cwHwYDVR0jBBgwFoAUw/wNo0Nmn1ojBUKr4UDoQa7oD/cwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IGb8oXdLRJRU7cpvGgBnjXwB2mGh7Wd2gYq7BChpZnGwAiAC160jfkVEnwmbSLb2
/i9blCJZQQ0D1g4GmXrqnx9RNQ==
-----END CERTIFICATE-----`;

export async function startSecureHost(): Promise<{ host: string; close: () => Promise<void> }> {
  const server = createServer({ key, cert }, (_, response) => response.end('hello'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => {
          closed();
        });
      }),
  };
}
