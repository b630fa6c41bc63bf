/** The settings of custom channels. */
import { z } from 'zod';

import { itemsOfList } from '../../domain/text.js';
import { hostList, issuedSecretList } from '../kit/define-provider.js';
import { maxExpressionLength, syntaxProblem } from './expression.js';
import { httpHeader } from './header.js';
import { fileWays, mediaLimits, messagesPerSecond, recipients } from './limits.js';
import { hmacAlgorithms, hmacEncodings, proofs } from './proof.js';

/** Settings are shown in these groups. */
const inVerification = { group: 'Verification' } as const;
const inPayload = { group: 'Payload' } as const;
const inFiles = { group: 'Files' } as const;
const inSending = { group: 'Sending' } as const;

const expression = z
  .string()
  .max(maxExpressionLength)
  .superRefine((text, context) => {
    const problem = syntaxProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** Whether an address has a part that no request contains. */
const hasLostPart = (text: string): boolean => {
  const { username, password, hash } = new URL(text);
  return [username, password, hash].some((part) => part !== '') || text.includes('#');
};
const lostPart = 'must have neither a user name nor a fragment';

const secret = issuedSecretList(
  'Verifies the sender: at least 8 characters; several values, separated by commas, allow a rotation without a gap',
);

const verification = {
  webhookSecret: secret.meta({ ...secret.meta(), ...inVerification }),
  proof: z
    .enum(proofs)
    .default('header')
    .meta({
      ...inVerification,
      description:
        'What proves the sender: the secret in a header or in a query parameter, the HMAC of the body in a header (hmac), or Basic with the secret as the password (basic)',
    }),
  proofName: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'is not the name of a header or a parameter')
    .optional()
    .meta({
      ...inVerification,
      description:
        'The header or the parameter with the proof; by default X-Inlet-Token, the parameter token, or X-Signature for an HMAC',
    }),
  basicUser: z
    .string()
    .regex(/^[^:]*$/, 'contains a colon')
    .optional()
    .meta({ ...inVerification, description: 'The user name for Basic' }),
  hmacAlgorithm: z
    .enum(hmacAlgorithms)
    .default('sha256')
    .meta({ ...inVerification, description: 'The digest of the HMAC: sha1, sha256 or sha512' }),
  hmacEncoding: z
    .enum(hmacEncodings)
    .default('hex')
    .meta({ ...inVerification, description: 'How the HMAC is written: hex or base64' }),
  hmacPrefix: z
    .string()
    .max(50)
    .default('')
    .meta({ ...inVerification, description: 'The text before the HMAC, such as sha256=' }),
};

const payload = {
  body: z
    .enum(['json', 'form'])
    .default('json')
    .meta({
      ...inPayload,
      description: 'The format of webhooks: json, or form (application/x-www-form-urlencoded)',
    }),
  formLists: z
    .string()
    .default('')
    .transform(itemsOfList)
    .meta({
      ...inPayload,
      description: 'Fields of a form that may be repeated and are lists, comma separated',
    }),
  events: expression.optional().meta({
    ...inPayload,
    description:
      'The JSONata expression that turns a payload into events. Without it, webhooks are kept as malformed',
    contentFromFile: true,
    multiline: true,
  }),
};

const files = {
  mediaHosts: hostList.meta({ ...hostList.meta(), ...inFiles }),
  mediaHeader: httpHeader('A header for downloads from the media hosts, such as "Authorization: Bearer …"')
    .optional()
    .meta(inFiles),
  mediaLookupUrl: z
    .url({ protocol: /^https?$/, abort: true })
    .includes('{id}')
    .refine((url) => !hasLostPart(url), lostPart)
    // An id of a payload must not choose the host that receives the header.
    .refine((url) => !new URL(url).host.includes('{'), 'must not have {id} in its host')
    .optional()
    .meta({
      ...inFiles,
      description:
        'For media with an id: the address, with {id}, that answers with the link of the file; it receives mediaHeader',
    }),
  mediaLookupPointer: z
    .string()
    .regex(/^(?:\/[^/]*)+$/, 'is not a JSON Pointer')
    .default('/url')
    .meta({ ...inFiles, description: 'The JSON Pointer to the link in the answer of mediaLookupUrl' }),
  mediaLookupHost: z
    .string()
    .regex(/^[\w.-]+(?::\d{1,5})?$/, 'is not a host')
    .optional()
    .meta({ ...inFiles, description: 'The host that serves the file, instead of the host of the link' }),
};

const sending = {
  apiUrl: z
    .url({ protocol: /^https?$/, abort: true })
    .refine((url) => !hasLostPart(url), lostPart)
    .refine((url) => !url.includes('?'), 'must have no query')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .meta({ ...inSending, description: 'For sending: the beginning of the addresses of the API' }),
  apiHeader: httpHeader('For sending: a header with the credentials, such as "Authorization: Bearer …"')
    .optional()
    .meta(inSending),
  send: expression.optional().meta({
    ...inSending,
    description: 'For sending: the JSONata expression that makes the request from a message',
    contentFromFile: true,
    multiline: true,
  }),
  sendId: expression.default('body.id').meta({
    ...inSending,
    description: 'For sending: the JSONata expression that finds the id of the message in {status, body}',
  }),
  sendMedia: mediaLimits.optional().meta({
    ...inSending,
    description:
      'For sending: the limits of each kind of media as JSON; by default pictures (JPEG, PNG) of 5 MB with captions of 1024 characters',
    multiline: true,
  }),
  sendPerSecond: messagesPerSecond.meta({
    ...inSending,
    description: 'For sending: the number of messages per second',
  }),
  sendRecipient: z
    .enum(recipients)
    .default('phone')
    .meta({
      ...inSending,
      description: 'For sending: whether recipients are phone numbers (phone) or ids (id)',
    }),
  sendFile: z
    .enum(fileWays)
    .default('link')
    .meta({
      ...inSending,
      description:
        'For sending: whether the expression receives a link to the file (link) or its bytes (base64)',
    }),
};

export const settings = z
  .object({ ...verification, ...payload, ...files, ...sending })
  .superRefine(({ proof, basicUser }, context) => {
    if (proof === 'basic' && basicUser === undefined)
      context.addIssue({ code: 'custom', path: ['basicUser'], message: 'is required for the proof basic' });
  });

export type CustomSettings = z.infer<typeof settings>;
