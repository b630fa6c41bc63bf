/**
 * The examples of the README and of the API, run in their order against a service; answers have the shape
 * that is shown.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { parseCurl, runCurl } from './curl.js';
import { startExampleService, type ExampleService } from './example-service.js';
import { blocksOf, readDocument } from './markdown.js';
import { evaluate, statementsOf, type Statement } from './shell.js';

interface Example {
  readonly statement: Statement;
  /** The answer that the document shows below the block, if the statement is the last one of the block. */
  readonly shown: unknown;
}

let example: ExampleService;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-test-docs-'));
  example = await startExampleService();
});

afterAll(async () => {
  await example.stop();
  await rm(folder, { recursive: true });
});

/** The statements of a document, without the commands that start the service. */
function examplesOf(name: string): Example[] {
  const blocks = blocksOf(readDocument(name));
  return blocks.flatMap(({ language, text }, at) => {
    if (language !== 'sh' || /^npm /m.test(text)) return [];
    const next = blocks[at + 1];
    const statements = statementsOf(text);
    return statements.map((statement, place) => ({
      statement,
      shown:
        next?.language === 'json' && place === statements.length - 1
          ? (JSON.parse(next.text) as unknown)
          : undefined,
    }));
  });
}

/** Keys all the way down, as far as they are shown: `…` stands for the rest. */
function shapeOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value))
    return value.slice(0, 1).map((item) => shapeOf(item, Array.isArray(like) ? like[0] : undefined));
  if (typeof value !== 'object' || value === null) return 'value';
  const shown = typeof like === 'object' && like !== null ? (like as Record<string, unknown>) : {};
  const keys = Object.keys(value).filter((key) => key !== '…' && (!('…' in shown) || key in shown));
  return Object.fromEntries(
    keys.sort().map((key) => [key, shapeOf((value as Record<string, unknown>)[key], shown[key])]),
  );
}

test.each([
  { name: 'README.md', least: 3, given: ['BASE', 'TOKEN', 'PICTURE'] },
  { name: 'docs/api.md', least: 40, given: ['BASE', 'TOKEN', 'PICTURE', 'SECRET', 'STANDIN'] },
  { name: 'docs/users.md', least: 6, given: ['BASE', 'TOKEN'] },
])('every example of $name works, and answers in the shape that is shown', async ({ name, least, given }) => {
  const all = examplesOf(name);
  expect(all.filter(({ statement }) => statement.type === 'curl').length).toBeGreaterThan(least);
  const variables: Record<string, string> = {};
  for (const { statement, shown } of all) {
    if (statement.type === 'assignment') {
      const replacement = given.includes(statement.name) ? example.variables[statement.name] : undefined;
      variables[statement.name] = replacement ?? (await evaluate(statement.value, variables, folder));
      continue;
    }
    const answer = await run(statement, variables);
    if (shown === undefined) continue;
    const { command } = statement;
    expect({ command, shape: shapeOf(answer, shown) }).toEqual({ command, shape: shapeOf(shown, shown) });
  }
});

/** What the stream of events in the examples brings. */
const streamed = 'event: media.ready';

/** Runs the command and writes the files that it names. Returns the answer, if it is JSON. */
async function run(
  statement: Extract<Statement, { type: 'curl' }>,
  variables: Readonly<Record<string, string>>,
): Promise<unknown> {
  const { command, input, copy } = statement;
  const call = parseCurl(command, variables, input);
  const response = await runCurl(call, (name) => join(folder, name), streamed);
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${command}\n${String(response.status)} ${body.toString('utf8')}`);
  if (call.seconds !== undefined && !body.includes(streamed))
    throw new Error(`${command}\n${body.toString('utf8')}`);
  for (const file of [call.output, copy])
    if (file !== undefined) await writeFile(join(folder, basename(file)), body);
  return response.headers.get('content-type')?.includes('json')
    ? (JSON.parse(body.toString('utf8')) as unknown)
    : undefined;
}
