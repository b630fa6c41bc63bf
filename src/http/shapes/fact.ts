/** The shape of facts about media. */
import { z } from 'zod';

import { moment } from './media.js';
import { named } from './named.js';

const share = z.number().min(0).max(1);

const label = z.strictObject({ name: z.string().min(1).max(100), confidence: share.optional() });

/** The members of each type. */
const values = {
  text: z.string().min(1).max(20_000).meta({ description: 'The text in a picture or a document' }),
  transcript: z.string().min(1).max(50_000).meta({ description: 'The words of a sound or a video' }),
  description: z.string().min(1).max(2_000).meta({ description: 'What a picture shows' }),
  labels: z.array(label).min(1).max(100).meta({ description: 'What a picture shows, in single words' }),
  blur: share.meta({ description: '0 is sharp; of a picture with 1 nothing can be recognised' }),
};

const common = {
  source: z
    .string()
    .regex(/^[\w.:@/-]{1,64}$/, 'has 1 to 64 letters, digits or . : @ / _ -')
    .meta({ description: 'The program that has found it out' }),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}$/, 'is not a language tag such as pt-BR')
    .nullable()
    .default(null),
  confidence: share.nullable().default(null),
};

const text = z.strictObject({ ...common, type: z.literal('text'), value: values.text });
const transcript = z.strictObject({ ...common, type: z.literal('transcript'), value: values.transcript });
const description = z.strictObject({ ...common, type: z.literal('description'), value: values.description });
const labels = z.strictObject({ ...common, type: z.literal('labels'), value: values.labels });
const blur = z.strictObject({ ...common, type: z.literal('blur'), value: values.blur });

/** The body of `POST /v1/media/:id/facts`. */
export const newFact = z.discriminatedUnion('type', [text, transcript, description, labels, blur]);

const recorded = {
  language: z.string().nullable(),
  confidence: z.number().nullable(),
  recordedAt: moment,
};

export const fact = named(
  'Fact',
  z.discriminatedUnion('type', [
    text.extend(recorded),
    transcript.extend(recorded),
    description.extend(recorded),
    labels.extend(recorded),
    blur.extend(recorded),
  ]),
  {
    source: 'tesseract',
    type: 'text',
    value: 'Invoice 4711',
    language: 'en',
    confidence: 0.94,
    recordedAt: '2026-11-21T10:00:03.120Z',
  },
);
export type FactView = z.infer<typeof fact>;
