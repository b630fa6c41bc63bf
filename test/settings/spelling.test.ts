import { expect, test } from '@jest/globals';

import { coreSettings, settingWarnings } from '../../src/config.js';

const warningsOf = (...names: string[]): readonly string[] =>
  settingWarnings(Object.fromEntries(names.map((name) => [name, 'x'])));

test.each([
  ['UPLOAD_DIR', 'UPLOADS_DIR'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['DATABASEURL', 'DATABASE_URL'],
  ['PUBLIC_ULR', 'PUBLIC_URL'],
  ['AUTH_SECRETS', 'AUTH_SECRET'],
  ['ZAPI_SECRETS', 'ZAPI_WEBHOOK_SECRET'],
  ['ZAPI_TOKN', 'ZAPI_TOKEN'],
  ['VONAGE_SIGNATURE', 'VONAGE_SIGNATURE_SECRET'],
  ['S3_BUKET', 'S3_BUCKET'],
])('%s is answered with a question for %s', (name, meant) => {
  expect(warningsOf(name)).toEqual([`${name}: is not a setting; did you mean ${meant}?`]);
});

test('an unknown name with a prefix of Inlet is reported', () => {
  expect(warningsOf('BLIP_Q')).toEqual(['BLIP_Q: is not a setting']);
});

test('names of other programs and of the system are ignored', () => {
  const foreign = [
    'HOME',
    'HOSTS',
    'HOSTNAME',
    'PATH',
    'PORTS',
    'LOGNAME',
    'NODE_OPTIONS',
    'NODE_PATH',
    'AWS_ACCESS_KEY_ID',
    'POSTGRES_PASSWORD',
    'POSTGRES_USER',
    'OTEL_TRACES_EXPORTER',
    'OTEL_RESOURCE_ATTRIBUTES',
    'npm_config_cache',
    'INLET_PORT',
    'INLET_SERVICE_HOST',
    'S3_PORT',
    'S3_PORT_9000_TCP_ADDR',
    'S3_SERVICE_PORT_HTTP',
    'DATABASE_SERVICE_HOST',
  ];
  expect(warningsOf(...foreign)).toEqual([]);
});

test('settings are not misspellings of each other, and a setting that is present is not suggested', () => {
  expect(warningsOf(...coreSettings)).toEqual([]);
  expect(warningsOf('UPLOADS_DIR', 'UPLOAD_DIR')).toEqual([]);
});

test('an empty value is ignored', () => {
  expect(settingWarnings({ UPLOAD_DIR: '', DATABSE_URL: undefined })).toEqual([]);
});
