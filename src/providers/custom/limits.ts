/** What a custom channel may send, as the operator declares it. */
import { z } from 'zod';

import { mediaKinds } from '../../domain/provider.js';
import type { MediaLimits, SendLimits } from '../../domain/sending.js';
import { captionLength, megabyte, phoneNumber } from '../kit/whatsapp.js';

export const recipients = ['phone', 'id'] as const;
export const fileWays = ['link', 'base64'] as const;

const kindLimits = z.strictObject({
  types: z
    .array(z.string().regex(/^[a-z]+\/[\w.+-]+$/, 'is not a MIME type'))
    .min(1)
    .max(50),
  maxBytes: z
    .int()
    .positive()
    .max(1024 * megabyte),
  /** 0: no captions. Null: any length. */
  maxCaption: z.int().nonnegative().nullable().default(null),
  needsFilename: z.literal(true).optional(),
});

const usualMedia: SendLimits['media'] = {
  image: { types: ['image/jpeg', 'image/png'], maxBytes: 5 * megabyte, maxCaption: captionLength },
};

/** A setting with the limits of each kind of media as JSON. */
export const mediaLimits = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.partialRecord(z.enum(mediaKinds), kindLimits))
  .transform((byKind): SendLimits['media'] =>
    Object.fromEntries(
      Object.entries(byKind).map(([kind, { needsFilename, ...limits }]): [string, MediaLimits] => [
        kind,
        needsFilename ? { ...limits, needsFilename } : limits,
      ]),
    ),
  );

/** A setting with the number of messages per second. */
export const messagesPerSecond = z
  .string()
  .default('5')
  .transform(Number)
  .pipe(z.number('is not a number').min(0.01, 'must be at least 0.01').max(1_000, 'must be at most 1000'));

interface DeclaredLimits {
  readonly media: SendLimits['media'] | undefined;
  readonly perSecond: number;
  readonly recipient: (typeof recipients)[number];
  readonly file: (typeof fileWays)[number];
}

export function limitsOf({ media = usualMedia, perSecond, recipient, file }: DeclaredLimits): SendLimits {
  // A rate counts whole messages.
  const messages = Math.max(1, Math.floor(perSecond));
  return {
    media,
    rate: { messages, perMs: Math.round((messages / perSecond) * 1_000), burst: messages },
    recipient: recipient === 'phone' ? phoneNumber : anyId,
    ways: file === 'link' ? ['link'] : ['inline'],
  };
}

/** What cannot change the path of a URL, or begin another line. */
const anyId: SendLimits['recipient'] = {
  description: 'the id of a person, of letters, digits and the characters . _ : @ + -',
  pattern: '(?!\\.{1,2}$)[\\w.:@+-]{1,255}',
};
