/**
 * Properties of every webhook, whatever its bytes: a valid proof is accepted, and a proof that differs in any
 * position is not.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { providers } from '../../src/providers/index.js';
import { anyChangeOf } from '../support/any-change.js';
import { sampleOf, settings, signWebhook, webhookUrlOf, type Proof } from '../support/signing.js';
import { receivedAt, webhookOf } from './fixtures.js';

const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
);

/** The only text of a proof, in a header or in the query. */
function textOf({ headers, query }: Proof): string {
  return Object.values({ ...headers, ...query })[0] ?? '';
}

function withText({ headers, query }: Proof, text: string): Proof {
  const replaced = (values: Record<string, string>) =>
    Object.fromEntries(Object.keys(values).map((name) => [name, text]));
  return { headers: replaced(headers), query: replaced(query) };
}

/** How a provider proves a body, and whether the proof is accepted. */
function doorOf({ id, load }: (typeof providers)[number]) {
  const adapter = load(settings[id], () => receivedAt);
  return {
    proofOf: (rawBody: Uint8Array): Proof => signWebhook(id, rawBody, { at: receivedAt }),
    isTaken: (rawBody: Uint8Array, { headers, query }: Proof): boolean =>
      adapter.verify(webhookOf(rawBody, { headers, query }, webhookUrlOf(id))).ok,
  };
}

const all = providers.map((provider) => ({ id: provider.id, provider }));
/** The other providers use a secret that is the same for every body. */
const signing = all.filter(({ id }) => {
  const [one, other] = ['a', 'b'].map((body) => textOf(signWebhook(id, Buffer.from(body))));
  return one !== other;
});

describe.each(all)('$id', ({ id, provider }) => {
  const { proofOf, isTaken } = doorOf(provider);
  test('accepts every body with its proof', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        expect(isTaken(body, proofOf(body))).toBe(true);
      }),
    );
  });

  test('refuses a proof that differs in any position', () => {
    const changed = anyBody.chain((body) => {
      const proof = proofOf(body);
      return anyChangeOf(textOf(proof)).map((text) => ({ body, proof, text }));
    });
    fc.assert(
      fc.property(changed, ({ body, proof, text }) => {
        // Hex digits may have either case, and so may the word before a token, with any number of blanks.
        const meaning = (one: string): string =>
          ['aisoule', 'custom'].includes(id) ? one.toLowerCase() : one.replace(/^bearer +/i, 'Bearer ');
        fc.pre(meaning(text) !== meaning(textOf(proof)));
        expect(isTaken(body, withText(proof, text))).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('refuses any other text instead, and never throws', () => {
    fc.assert(
      fc.property(anyBody, fc.string({ unit: 'binary', maxLength: 200 }), (body, text) => {
        expect(isTaken(body, withText(proofOf(body), text))).toBe(false);
      }),
    );
  });
});

test('five providers sign the body', () => {
  expect(signing.map(({ id }) => id)).toEqual(['aisoule', 'custom', 'meta', 'twilio', 'vonage']);
});

test.each(signing)('$id refuses a body that differs in any byte', ({ id, provider }) => {
  const { proofOf, isTaken } = doorOf(provider);
  const { coveredBy = (body) => Buffer.from(body).toString('hex') } = sampleOf(id);
  fc.assert(
    fc.property(anyBody, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, place, difference) => {
      const other = body.length === 0 ? Buffer.from('x') : Buffer.from(body);
      if (body.length > 0) other[place % body.length] = (body[place % body.length] ?? 0) ^ difference;
      // A signature of a form covers its fields, which may have the same values nevertheless.
      fc.pre(coveredBy(other) !== coveredBy(body));
      expect(isTaken(other, proofOf(body))).toBe(false);
    }),
  );
});
