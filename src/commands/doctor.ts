/**
 * `inlet doctor`: checks everything that a start needs and prints what to do. It starts nothing, changes
 * nothing and prints no secret. The exit status is 0 if the service can start, and 1 otherwise.
 */
import '../home.js';

import { parseArgs } from 'node:util';

import { readEnvironment, type Config } from '../config.js';
import { commandLine } from '../infra/process/command-line.js';
import { checkPort, checkPublicUrl } from './checks/address.js';
import { checkChannels } from './checks/channels.js';
import { checkDatabase } from './checks/database.js';
import { checkFiles, checkScanner } from './checks/files.js';
import { linesOf, type Finding } from './checks/finding.js';
import { checkDisk, checkFolder, checkNode } from './checks/machine.js';
import { checkSettings } from './checks/settings.js';
import { checkSignIn } from './checks/sign-in.js';
import { exits, fail, orExplain } from './command-line.js';

const about = {
  usage: commandLine('doctor').replace(/ --$/, ''),
  does: 'Checks the settings and everything that a start needs, and says what to do. Changes nothing.',
};

async function examine(): Promise<boolean> {
  const found: Finding[] = [];
  const tell = (...findings: readonly Finding[]): void => {
    found.push(...findings);
    console.log(linesOf(findings));
  };
  tell(await checkNode());
  const { config, findings } = checkSettings(readEnvironment);
  tell(...findings);
  if (config !== undefined) await examineSurroundings(config, tell);
  const problems = found.filter(({ level }) => level === 'problem').length;
  console.log(verdict(problems, config !== undefined));
  return problems === 0;
}

async function examineSurroundings(
  config: Config,
  tell: (...findings: readonly Finding[]) => void,
): Promise<void> {
  tell(await checkFolder(config));
  const { state, findings } = await checkDatabase(config);
  tell(...findings);
  tell(await checkFiles(config));
  tell(...(await checkDisk(config)));
  for (const more of [await checkScanner(config), await checkPort(config)])
    if (more.length > 0) tell(...more);
  tell(await checkPublicUrl(config), ...(await checkSignIn(config)));
  tell(...(await checkChannels(config, state)));
}

function verdict(problems: number, isComplete: boolean): string {
  if (problems === 0) return '\nInlet can start.';
  const rest = isComplete ? '' : ' Everything else is checked when the settings are right.';
  return `\nInlet cannot start: solve the ${problems === 1 ? 'problem' : `${String(problems)} problems`} first.${rest}`;
}

orExplain(about, () => parseArgs({ options: {} }));
examine().then((canStart) => {
  process.exitCode = canStart ? 0 : exits.failure;
}, fail);
