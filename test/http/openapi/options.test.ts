/** The document that is served says what the options of a message may be, for each provider. */
import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';

import { openApiDocument } from '../../../src/http/openapi/document.js';
import { providers } from '../../../src/providers/index.js';
import { contractOf, type OpenApiDocument } from './contract.js';

const document = openApiDocument('https://inlet.example.com', providers) as OpenApiDocument;
const contract = contractOf(document);

const faultsOf = (options: unknown) =>
  contract.faultsOfRequest('post /v1/messages', {
    channel: 'z-api',
    to: '5511900000001',
    kind: 'image',
    media: { url: 'https://shop.example.com/a.jpg' },
    options,
  });

describe('the options of a message', () => {
  it('are valid OpenAPI 3.1, one schema for each provider', async () => {
    const copy = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
    expect(await new Validator().validate(copy)).toMatchObject({ valid: true });
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining([
        'BlipSendOptions',
        'ZApiSendOptions',
        'VonageSendOptions',
        'AisouleSendOptions',
        'SobotSendOptions',
      ]),
    );
  });

  it.each([
    {},
    { fit: true, fetch: true },
    {
      title: 'Roses',
      aspectRatio: '4:3',
      previewUri: 'https://shop.example.com/s.jpg',
      previewType: 'image/jpeg',
    },
    { delayMessage: 15, viewOnce: true, fit: true },
    { channel: 'viber', from: '5511800000001', clientRef: 'order-7', ttl: 60 },
    { product: 'conversation', from: 'MEM-1' },
    { generation: 'v2' },
    { customerName: 'Ana' },
  ])('may be %j', (options) => {
    expect(faultsOf(options)).toEqual([]);
  });

  it.each([
    { fit: 'yes' },
    { delayMessage: 16 },
    { delayMessage: 0 },
    { viewOnce: 1 },
    { channel: 'fax' },
    { generation: 'v3' },
    { customerName: '' },
    { nobodyKnows: true },
    { delayMessage: 5, customerName: 'Ana' },
  ])('may not be %j', (options) => {
    expect(faultsOf(options)).not.toEqual([]);
  });
});
