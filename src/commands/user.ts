/**
 * `inlet user`: creates and lists users of the running service. It makes the first administrator, and one more if
 * nobody can administer any more.
 */
import '../home.js';

import { parseArgs } from 'node:util';

import { roles, type Role } from '../domain/user.js';
import type { InletClient, NewUser, User } from '../client/index.js';
import { commandLine } from '../infra/process/command-line.js';
import { fail, orExplain } from './command-line.js';
import { explained, findService, urlOf } from './running-service.js';

interface Options {
  /** Undefined: the users are listed. */
  readonly user: NewUser | undefined;
  readonly url: string | undefined;
  readonly json: boolean;
}

const about = {
  usage: `${commandLine('user')} add --email EMAIL --role ${roles.join('|')} [--name NAME] [--channel ID]... | list [--json] [--url URL]`,
  does: 'Creates a user and prints the link by which the user sets a password, or lists the users.',
  options: {
    '--email EMAIL': 'with which the user signs in',
    '--role ROLE': 'what the user may do; admin may do everything',
    '--name NAME': 'what the user is called, by default the part of the address before the @',
    '--channel ID': 'a channel that the user sees; without any, all',
    '--json': 'prints JSON',
    '--url URL': 'where the service is; without it, at HOST and PORT of the settings',
  },
};

function readArguments(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      role: { type: 'string' },
      name: { type: 'string' },
      channel: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      url: { type: 'string' },
    },
  });
  const [verb = '', ...more] = positionals;
  if (verb !== 'add' && verb !== 'list') throw new Error('say add or list');
  if (more.length > 0) throw new Error(`${verb} takes options only, and ${String(more[0])} was given`);
  const { email, role, name, channel } = values;
  const shared = { url: urlOf(values.url), json: values.json === true };
  if (verb === 'list') {
    if (email ?? role ?? name ?? channel) throw new Error('list takes --json and --url only');
    return { ...shared, user: undefined };
  }
  return { ...shared, user: newUser({ email, role, name, channel }) };
}

interface Given {
  readonly email: string | undefined;
  readonly role: string | undefined;
  readonly name: string | undefined;
  readonly channel: readonly string[] | undefined;
}

function newUser({ email, role, name, channel }: Given): NewUser {
  if (email === undefined) throw new Error('name the --email of the user');
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw new Error('--email looks like fernanda@example.com');
  return {
    email,
    role: toRole(role),
    name: name ?? String(email.split('@')[0]),
    channels: channel ?? null,
  };
}

function toRole(text: string | undefined): Role {
  const role = roles.find((one) => one === text);
  if (role) return role;
  throw new Error(`name one --role of ${roles.join(', ')}`);
}

async function add(client: InletClient, user: NewUser, json: boolean): Promise<void> {
  const created = await client.users.create(user);
  const { url, expiresAt } = created.invitation;
  const text = `${url}\nThe link sets the password of ${created.email} and is valid until ${expiresAt}.`;
  console.log(json ? JSON.stringify(created) : text);
}

async function list(client: InletClient, json: boolean): Promise<void> {
  for await (const user of client.users.list({ limit: 200 }))
    console.log(json ? JSON.stringify(user) : lineOf(user));
}

function lineOf({ email, role, state, channels, name }: User): string {
  return [email, role, state, channels?.join(',') ?? 'all channels', name].join('  ');
}

async function main({ user, url, json }: Options): Promise<void> {
  const service = findService('inlet user', url);
  const client = service.client('admin');
  try {
    await (user ? add(client, user, json) : list(client, json));
  } catch (error) {
    throw explained(error, service);
  }
}

main(orExplain(about, readArguments)).catch(fail);
