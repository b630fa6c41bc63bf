/** `npm run bench [-- ack grow pipeline latency serve lookup memory]`: a table, and `bench-results.json`. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

import { known, orExplain } from '../commands/command-line.js';
import { table } from '../demo/table.js';
import { grow } from './growth/grow.js';
import { lookup } from './growth/lookup.js';
import { ack, latency, memory, type Measure } from './measures.js';
import { pipeline } from './pipeline/pipeline.js';
import { serve } from './serve/serve.js';

const measures = { ack, grow, pipeline, latency, serve, lookup, memory } as const;
const ids = Object.keys(measures);
const about = {
  usage: `npm run bench -- [${ids.join('|')} ...]`,
  does: 'Measures the service beside a baseline in the same run; without names, everything.',
};
const wanted = orExplain(about, () => known(process.argv.slice(2), ids));
const results: Measure[] = [];
for (const [id, measure] of Object.entries(measures)) {
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  console.log(`measuring ${id} ...`);
  results.push(...[await measure(process.env)].flat());
}
const number = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
console.log(
  `\n${table<Measure>(
    [
      { title: 'id', value: ({ id }) => id },
      { title: 'measured', value: ({ what }) => what },
      { title: 'service', value: ({ service, unit }) => `${number(service)} ${unit}`, align: 'right' },
      { title: 'baseline', value: ({ baseline, unit }) => `${number(baseline)} ${unit}`, align: 'right' },
      { title: 'ratio', value: ({ ratio }) => ratio.toFixed(2), align: 'right' },
      { title: 'wanted', value: (measure) => measure.wanted },
    ],
    results,
  )}`,
);
const machine = { node: process.version, cores: availableParallelism(), at: new Date().toISOString() };
await writeFile('bench-results.json', `${JSON.stringify({ machine, results }, null, 2)}\n`);
process.exit(0);
