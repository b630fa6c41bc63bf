#!/usr/bin/env node
/** The command `inlet`: starts the program that belongs to the first word. */
import { readFileSync } from 'node:fs';

import { launch } from '../run.mjs';

const exitUsage = 64;

const programs = {
  start: { file: 'main.js', does: 'starts the service' },
  doctor: {
    file: 'commands/doctor.js',
    does: 'checks the settings and everything that a start needs, and says what to do',
  },
  token: {
    file: 'commands/token.js',
    does: 'prints an API token: --scope admin, media:read or messages:send',
  },
  user: {
    file: 'commands/user.js',
    does: 'adds a user, who signs in to the gallery: user add --email EMAIL --role ROLE; user list',
  },
  events: { file: 'commands/events.js', does: 'prints the events of the running service as they happen' },
  replay: { file: 'commands/replay.js', does: 'reads a stored webhook again: replay DELIVERY' },
  restored: {
    file: 'commands/restored.js',
    does: 'run it once after a backup was restored, before the service is started',
  },
};

const help = `usage: inlet COMMAND [OPTIONS]

${Object.entries(programs)
  .map(([name, { does }]) => `  ${name.padEnd(10)} ${does}`)
  .join('\n')}

  --help     prints this; after a command, its options
  --version  prints the version

Settings are environment variables, or lines of a file .env in the current folder; .env.example explains them.`;

function refuse(problem) {
  console.error(`inlet: ${problem}; inlet --help lists the commands.`);
  process.exit(exitUsage);
}

const isHelp = (word) => word === '--help' || word === '-h';
const [first, ...rest] = process.argv.slice(2);
// `inlet help token` is `inlet token --help`.
const [command, ...args] = first === 'help' && rest.length > 0 ? [...rest, '--help'] : [first, ...rest];
if (isHelp(command) || command === 'help') {
  console.log(help);
} else if (command === '--version' || command === '-v') {
  console.log(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version);
} else if (command === undefined) {
  refuse('name a command');
} else if (!Object.hasOwn(programs, command)) {
  refuse(`there is no command ${command}`);
} else if (command === 'start' && args.some(isHelp)) {
  console.log(
    'usage: inlet start\n\nStarts the service. Its settings are environment variables, or lines of a file .env.',
  );
} else if (command === 'start' && args.length > 0) {
  refuse(`start takes no options, and ${args[0]} was given`);
} else {
  // npx puts a shell in between that ends at a signal without handing it on.
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = process.env;
  launch(programs[command].file, args, { endsWithParent: event === 'npx' && /^["']?inlet\b/.test(script) });
}
