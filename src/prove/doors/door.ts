/** The doors: for each provider, every form in which it can prove a webhook. */
import { createHash, createHmac, randomUUID } from 'node:crypto';

import type { Simulator } from '../../demo/providers/index.js';
import { providerIds } from '../../demo/providers/registry.js';
import { signedAddress, twilioSignature } from '../../demo/providers/twilio.js';
import type { SimulatedMedia, Webhook } from '../../demo/providers/simulated-provider.js';
import { providers } from '../../providers/index.js';
import type { WireRequest } from '../wire.js';

export interface Door {
  readonly name: string;
  readonly channel: string;
  /** A valid webhook, a different one each time. */
  readonly webhook: () => Webhook;
  /** The secret: sent unchanged, or used for signing. */
  readonly secret: string;
}

/** The place of a webhook's proof. */
export type Proof =
  | { readonly place: 'query'; readonly value: string }
  | { readonly place: 'header'; readonly name: string; readonly scheme: string; readonly value: string };

const proofHeaders = [
  'authorization',
  'x-inlet-token',
  'x-aisoule-signature',
  'x-webhook-signature',
  'x-hub-signature-256',
  'x-twilio-signature',
  'x-telegram-bot-api-secret-token',
  'x-app-signature',
];
/** Headers that contain a secret itself. */
const secretHeaders: readonly string[] = ['x-inlet-token', 'x-telegram-bot-api-secret-token'];

/**
 * The secrets of each channel: the token that may be in its URL or answers a challenge, and the key of its
 * signatures.
 */
export function secretsOf(simulator: Simulator): Map<string, { token: string; signing: string }> {
  const env = simulator.env();
  return new Map(
    providers.map(({ id, envKeys }) => {
      const valueOf = (setting: string): string | undefined => env[envKeys[setting] ?? ''];
      const token = valueOf('webhookSecret') ?? valueOf('verifyToken') ?? '';
      const signing = valueOf('signatureSecret') ?? valueOf('appSecret') ?? valueOf('authToken');
      return [id, { token, signing: signing ?? token }];
    }),
  );
}

/**
 * Every provider of the registry, or an error, because a provider without a simulator would remain untested.
 */
export function doorsOf(simulator: Simulator): Door[] {
  const unproven = providers.filter(({ id }) => !providerIds.some((known) => known === id));
  if (unproven.length > 0) throw new Error(`not simulated: ${unproven.map(({ id }) => id).join(', ')}`);
  const secrets = secretsOf(simulator);
  const { vonage, aisoule } = simulator.providers;
  const doors = providerIds.map((id): Door => {
    const { signing } = secrets.get(id) ?? { signing: '' };
    return {
      name: id,
      channel: id,
      secret: signing,
      webhook: () => simulator.providers[id].webhook(picture()),
    };
  });
  const signed = secrets.get('vonage');
  return [
    ...doors,
    ...doors.filter(({ webhook }) => mayBeElsewhere(proofOf(webhook()))).map(otherPlace),
    {
      name: 'vonage, Conversation',
      channel: 'vonage',
      secret: signed?.token ?? '',
      webhook: () => vonage.conversationWebhook(picture()),
    },
    {
      name: 'aisoule, second generation',
      channel: 'aisoule',
      secret: secrets.get('aisoule')?.signing ?? '',
      webhook: () => aisoule.webhookV2(picture()),
    },
  ];
}

const picture = (): SimulatedMedia => ({
  kind: 'image',
  id: randomUUID(),
  // No server listens there, because the outcome of the picture is irrelevant.
  url: 'http://192.0.2.1/picture.jpg',
});

/** Whether the proof is a secret for which there are two places. */
const mayBeElsewhere = (proof: Proof): boolean => proof.place === 'query' || proof.name === 'x-inlet-token';

/** A secret that may be in the URL may also be in a header, and vice versa. */
function otherPlace(door: Door): Door {
  return {
    ...door,
    name: `${door.name}, in the other place`,
    webhook: () => {
      const webhook = door.webhook();
      const proof = proofOf(webhook);
      const path = `/webhooks/${door.channel}`;
      if (proof.place === 'query')
        return { ...webhook, path, headers: { ...webhook.headers, 'x-inlet-token': proof.value } };
      const headers = Object.entries(webhook.headers).filter(([name]) => name !== proof.name);
      const query = `?token=${proof.value}`;
      return { ...webhook, headers: Object.fromEntries(headers), path: path + query };
    },
  };
}

export function proofOf({ path, headers }: Webhook): Proof {
  const value = new URL(path, 'http://inlet').searchParams.get('token');
  if (value !== null) return { place: 'query', value };
  const name = proofHeaders.find((known) => headers[known] !== undefined) ?? '';
  const [, scheme = '', rest = ''] = /^(Bearer |sha256=|)(.*)$/.exec(headers[name] ?? '') ?? [];
  return { place: 'header', name, scheme, value: rest };
}

/** The webhook with another value instead of its proof, or with these lines and this query. */
export function forged(
  webhook: Webhook,
  proof: string | { readonly lines?: readonly string[]; readonly query?: string },
): WireRequest {
  const { path, headers, body } = webhook;
  const found = proofOf(webhook);
  const bare = path.split('?')[0] ?? '';
  const others = Object.entries(headers)
    .filter(([name]) => !proofHeaders.includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  const request = { method: 'POST', path: bare, lines: others, body };
  if (typeof proof !== 'string')
    return {
      ...request,
      path: proof.query === undefined ? bare : `${bare}?${proof.query}`,
      lines: [...others, ...(proof.lines ?? [])],
    };
  return found.place === 'query'
    ? { ...request, path: `${bare}?token=${encodeURIComponent(proof)}` }
    : { ...request, lines: [...others, `${found.name}: ${found.scheme}${proof}`] };
}

/** The proof of `body` for a verifier that trusts `secret`, in the form of this door. */
export function proven(proof: Proof, body: string | Buffer, secret: string): string {
  if (proof.place === 'query' || secretHeaders.includes(proof.name)) return secret;
  if (proof.name === 'x-twilio-signature') return twilioSignature(signedAddress(''), body.toString(), secret);
  if (proof.name === 'authorization') return jwt({ alg: 'HS256', typ: 'JWT' }, claimsFor(body), secret);
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** Claims in the format of Vonage. */
export function claimsFor(body: string | Buffer): Record<string, unknown> {
  return {
    iss: 'Vonage',
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    payload_hash: createHash('sha256').update(body).digest('hex'),
  };
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that is signed with an HMAC regardless of its header, or has a given signature. */
export function jwt(header: unknown, claims: unknown, key: string | ((signed: string) => string)): string {
  const signed = `${part(header)}.${part(claims)}`;
  const signature =
    typeof key === 'string' ? createHmac('sha256', key).update(signed).digest('base64url') : key(signed);
  return `${signed}.${signature}`;
}
