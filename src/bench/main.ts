/**
 * `npm run bench [-- ack grow pipeline workers latency serve lookup traffic memory]`: a table, and
 * `bench-results.json`. Without names, also `BENCH.md`.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

import { exitAtSignals, known, orExplain } from '../commands/command-line.js';
import { grow } from './growth/grow.js';
import { lookup } from './growth/lookup.js';
import { traffic } from './growth/traffic.js';
import { ack, latency, memory, type Measure } from './measures.js';
import { pipeline } from './pipeline/pipeline.js';
import { workers } from './pipeline/workers.js';
import { benchDocument, benchTable } from './report.js';
import { serve } from './serve/serve.js';

const measures = { ack, grow, pipeline, workers, latency, serve, lookup, traffic, memory } as const;
const ids = Object.keys(measures);
const about = {
  usage: `npm run bench -- [${ids.join('|')} ...]`,
  does: 'Measures the service beside a baseline in the same run; without names, everything.',
};
const wanted = orExplain(about, () => known(process.argv.slice(2), ids));
exitAtSignals();
const results: Measure[] = [];
for (const [id, measure] of Object.entries(measures)) {
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  console.log(`measuring ${id} ...`);
  results.push(...[await measure(process.env)].flat());
}
console.log(`\n${benchTable(results)}`);
const at = new Date();
const machine = { node: process.version, cores: availableParallelism(), at: at.toISOString() };
await writeFile('bench-results.json', `${JSON.stringify({ machine, results }, null, 2)}\n`);
if (wanted.length === 0) await writeFile('BENCH.md', benchDocument(results, at));
process.exit(0);
