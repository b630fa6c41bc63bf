/**
 * Writes the documents that follow from the code: the settings, the example of an environment file, and the
 * routes. `UPDATE_DOCUMENTS=1 npm test -- test/docs/generated.test.ts` stores them; without the variable the
 * test compares them.
 */
import { settingDescriptions } from '../../src/config.js';
import type { RouteDescription } from '../../src/http/routing/route.js';
import { routes } from '../../src/http/routes.js';
import { providers } from '../../src/providers/index.js';
import { anchorOf, documents, readDocument } from './markdown.js';

interface Setting {
  readonly name: string;
  readonly default: string | undefined;
  /** What holds while there is neither a value nor a default. */
  readonly unset: string;
  readonly description: string;
}

interface SettingGroup {
  readonly title: string;
  readonly settings: readonly Setting[];
}

const providerNames: Readonly<Record<string, string>> = {
  blip: 'Blip',
  'z-api': 'Z-API',
  vonage: 'Vonage',
  aisoule: 'AISoule',
  sobot: 'Sobot',
  meta: 'Meta',
  twilio: 'Twilio',
  telegram: 'Telegram',
  custom: 'Custom',
};

export function nameOfProvider(id: string): string {
  return providerNames[id] ?? id;
}

function settingGroups(): SettingGroup[] {
  const titles = [...new Set(settingDescriptions.map(({ group }) => group))];
  const core = titles.map((title) => ({
    title,
    settings: settingDescriptions
      .filter(({ group }) => group === title)
      .map((setting) => ({ ...setting, unset: setting.unset ?? 'none' })),
  }));
  const ofProviders = providers.map(({ id, settings, envKeys, enabledBy, defaults, fileSettings }) => ({
    title: nameOfProvider(id),
    settings: settings.map(({ name, description }) => ({
      name: envKeys[name] ?? name,
      default: defaults[name],
      unset: enabledBy.includes(name) && enabledBy.length === 1 ? 'no channel' : 'none',
      description: fileSettings.includes(name) ? `${description}; ${fileNote}` : description,
    })),
  }));
  return [...core, ...ofProviders];
}

const fileNote = 'either the text itself (line breaks may be written as `\\n`) or the path of a file';

const generatedNotice = (source: string): string =>
  `<!-- Generated from ${source} by test/docs/generate.ts. Change the source and run: UPDATE_DOCUMENTS=1 npm test -- test/docs/generated.test.ts -->`;

/** `docs/settings.md`. */
export function settingsDocument(): string {
  const tables = settingGroups().map(({ title, settings }) =>
    [
      `## ${title}`,
      '',
      '| Name | Default | Meaning |',
      '| --- | --- | --- |',
      ...settings.map(
        (setting) =>
          `| \`${setting.name}\` | ${setting.default === undefined ? setting.unset : `\`${setting.default}\``} | ${setting.description} |`,
      ),
    ].join('\n'),
  );
  return [
    '# Settings',
    '',
    generatedNotice('src/config.ts and the definitions in src/providers'),
    '',
    'Inlet reads its settings from the environment and from a file `.env` in the working directory.',
    'The environment has precedence, and an empty value means that the setting is not set.',
    'Inlet reports all problems with settings at once, by name and without values, and exits with status 78.',
    '[.env.example](../.env.example) lists all settings, ready to be copied.',
    '',
    'A channel of a provider exists as soon as its secret is set. [Providers](providers/README.md) explains where each value comes from.',
    '',
    ...tables.flatMap((table) => [table, '']),
  ].join('\n');
}

/** `.env.example`. */
export function exampleEnvironment(): string {
  const groups = settingGroups().map(({ title, settings }) =>
    [
      `# --- ${title} ---`,
      '',
      ...settings.flatMap((setting) => [
        `# ${setting.description.replaceAll('`', '')}. Default: ${(setting.default ?? setting.unset).replaceAll('`', '')}`,
        `${setting.name}=${exampleValue(setting)}`,
      ]),
    ].join('\n'),
  );
  return [
    '# Copy this file to .env and set what you need. An empty value means: not set. The environment has precedence over this file.',
    '# It is generated from src/config.ts and src/providers by test/docs/generate.ts.',
    ...groups.flatMap((group) => ['', group]),
    '',
  ].join('\n');
}

/** Some addresses follow from other settings while they are not set themselves. */
function exampleValue({ name, default: standard = '' }: Setting): string {
  return name.endsWith('_API_URL') ? '' : standard;
}

function accessOf({ path, scope, signedLink, errors = [] }: RouteDescription): string {
  if (scope === 'token') return 'any token';
  if (scope !== 'public') return `\`${scope}\`${signedLink ? ' or a signed link' : ''}`;
  if (path.startsWith('/public/')) return 'a signed link';
  if (path.startsWith('/shared/')) return 'the link of a share';
  return errors.includes('auth.missing') ? 'none, or a token' : 'none';
}

/** `docs/routes.md`. */
export function routesDocument(): string {
  const rows = routes.map((route) => {
    const { method, path, summary } = route;
    return `| \`${method.toUpperCase()} ${path}\` | ${accessOf(route)} | ${summary} |`;
  });
  return [
    '# Routes',
    '',
    generatedNotice('the route declarations in src/http'),
    '',
    'All routes of the service with the scope that a token needs.',
    'A token with the scope `admin` may use every route.',
    'Every `GET` route also answers `HEAD`. Other methods are answered with 405 and an `Allow` header.',
    '[The API by example](api.md) shows requests and answers, and a running service describes parameters and schemas at `/docs` and `/openapi.json`.',
    '',
    '| Route | Scope | Purpose |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '`GET /metrics` needs no token from the machine itself, and a token with the scope `admin` from elsewhere: see [Observability](observability.md#metrics).',
    'The gallery is at `/admin`, and the interactive description of the API is at `/docs`.',
    '',
  ].join('\n');
}

const decisionHead = /^## (\d+)\. (.+)$/gm;

/** `docs/decisions/README.md`. */
export function decisionsDocument(): string {
  const decisions = documents
    .filter((name) => /^docs\/decisions\/(?!README)/.test(name))
    .flatMap((name) => {
      const text = readDocument(name);
      const subject = /^# Decisions: (.+)$/m.exec(text)?.[1] ?? name;
      const file = name.replace('docs/decisions/', '');
      return [...text.matchAll(decisionHead)].map(([, number = '', title = '']) => ({
        number: Number(number),
        row: `| ${number} | [${title}](${file}#${anchorOf(`${number}. ${title}`)}) | ${subject} |`,
      }));
    })
    .sort((a, b) => a.number - b.number);
  return [
    '# Decisions',
    '',
    '<!-- Generated from the other files of this folder by test/docs/generate.ts. Run: UPDATE_DOCUMENTS=1 npm test -- test/docs/generated.test.ts -->',
    '',
    'Why Inlet is built this way: the context of each choice, the choice, the rejected alternatives, and the consequences.',
    'A new decision gets the next free number and goes into the file of its subject. Change the code and its entry together.',
    '',
    '| Number | Decision | Subject |',
    '| --- | --- | --- |',
    ...decisions.map(({ row }) => row),
    '',
  ].join('\n');
}
