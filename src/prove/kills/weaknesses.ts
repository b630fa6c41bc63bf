/**
 * Weakened services and damaged data, each of which must be detected. The auditor's tests cover the other
 * kinds of damage.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { standBetween, type Between } from '../proxy.js';
import type { Mutation } from '../check.js';
import { withRows } from '../rows.js';
import { exchange, type WireRequest } from '../wire.js';
import type { Fleet } from './fleet.js';

export interface Weakness {
  /** Runs in front of the service. */
  readonly door?: (fleet: Fleet) => Promise<Between>;
  /** Called with each request to a provider. */
  readonly taken?: (request: WireRequest, port: number) => Promise<unknown>;
  /** Runs at the end, before the audit. */
  readonly damage?: (fleet: Fleet) => Promise<unknown>;
}

/** Acknowledges these requests, and drops every other one of them. */
const hasty =
  (isMeant: (request: WireRequest) => boolean) =>
  async ({ baseUrl }: Fleet): Promise<Between> => {
    let count = 0;
    return standBetween(Number(new URL(baseUrl).port), {
      request: (request) =>
        isMeant(request) && (count += 1) % 2 === 0
          ? { method: 'GET', path: '/health/live', lines: [], body: '' }
          : request,
      answer: (answer, request) => (isMeant(request) ? { status: 200, text: '{}' } : answer),
    });
  };

/** Repeats any request. */
async function again({ method, path, lines, body }: WireRequest, port: number): Promise<void> {
  const others = lines.filter((line) => !/^(host|transfer-encoding):/i.test(line));
  await exchange(port, { method, path, lines: others, body });
}

async function anyObject({ uploadsDir }: Fleet): Promise<string> {
  const entries = await readdir(join(uploadsDir, 'blobs'), { recursive: true, withFileTypes: true });
  const [file] = entries.filter((entry) => entry.isFile());
  if (!file) throw new Error('there is no object to damage');
  return join(file.parentPath, file.name);
}

async function changeByte(path: string): Promise<void> {
  const content = await readFile(path);
  content.writeUInt8(content.readUInt8(content.length >> 1) ^ 1, content.length >> 1);
  await writeFile(path, content);
}

const storeAgain = `
  insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
  select gen_random_uuid(), channel, provider, decode(md5(id::text), 'hex'), body, headers, outcome, received_at
  from delivery where erased_at is null and outcome = 'accepted' limit 1`;

export const weaknesses: readonly (Weakness & Pick<Mutation, 'title' | 'caughtBy'>)[] = [
  {
    title: 'webhooks are acknowledged before they are committed',
    caughtBy: /^lost: message .* was acknowledged and is not there/,
    door: hasty(({ path }) => path.startsWith('/webhooks/')),
  },
  {
    title: 'an erasure is acknowledged before it is done',
    caughtBy: /^not erased: media .* was to be erased/,
    door: hasty(({ method }) => method === 'DELETE'),
  },
  {
    title: 'a message is sent twice',
    caughtBy: /^doubled: .* got 2 messages/,
    taken: again,
  },
  {
    title: 'a repeated webhook is stored again',
    caughtBy: /^doubled: the webhook .* is there 2 times/,
    damage: (fleet) => withRows(fleet, (client) => client.query(storeAgain)),
  },
  {
    title: 'one byte of a picture is changed',
    caughtBy: /^wrong bytes: the file of object/,
    damage: async (fleet) => changeByte(await anyObject(fleet)),
  },
];
