/** `inlet replay`: makes the running service parse a stored webhook again. */
import '../home.js';

import { parseArgs } from 'node:util';

import { commandLine } from '../infra/process/command-line.js';
import { fail, orExplain } from './command-line.js';
import { explained, findService, urlOf } from './running-service.js';

interface Options {
  readonly delivery: string;
  readonly url: string | undefined;
  readonly json: boolean;
}

const about = {
  usage: `${commandLine('replay')} DELIVERY [--json] [--url URL]`,
  does: 'Reads a stored webhook again. DELIVERY is its id, as its answer and the page Attention of the gallery show it.',
  options: {
    '--json': 'prints the answer as JSON',
    '--url URL': 'where the service is; without it, at HOST and PORT of the settings',
  },
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readArguments(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, url: { type: 'string' } },
  });
  const [delivery = '', ...more] = positionals;
  if (delivery === '') throw new Error('name the delivery');
  if (more.length > 0) throw new Error('name one delivery only');
  if (!uuid.test(delivery))
    throw new Error('the id of a delivery looks like 01a1fd7e-84c9-7728-9890-b058615850a8');
  return { delivery, url: urlOf(values.url), json: values.json === true };
}

async function main({ delivery, url, json }: Options): Promise<void> {
  const service = findService('inlet replay', url);
  try {
    const receipt = await service.client('admin').deliveries.replay(delivery);
    const { outcome, media } = receipt;
    const found = media.length === 0 ? 'no media' : `media ${media.join(', ')}`;
    console.log(json ? JSON.stringify(receipt) : `${delivery}: ${outcome}, ${found}`);
  } catch (error) {
    throw explained(error, service);
  }
}

main(orExplain(about, readArguments)).catch(fail);
