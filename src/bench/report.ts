/** Reports the results in the terminal and in `BENCH.md`. */
import { availableParallelism, cpus, totalmem } from 'node:os';

import { table } from '../demo/table.js';
import type { Measure } from './measures.js';

export function benchTable(results: readonly Measure[]): string {
  return table<Measure>(
    [
      { title: 'id', value: ({ id }) => id },
      { title: 'measured', value: ({ what }) => what },
      { title: 'service', value: ({ service, unit }) => `${rounded(service)} ${unit}`, align: 'right' },
      { title: 'baseline', value: ({ baseline, unit }) => `${rounded(baseline)} ${unit}`, align: 'right' },
      { title: 'ratio', value: ({ ratio }) => ratio.toFixed(2), align: 'right' },
      { title: 'wanted', value: (measure) => measure.wanted },
    ],
    results,
  );
}

function rounded(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

/** `BENCH.md`: the results of one run of all measures, when and on which machine. */
export function benchDocument(results: readonly Measure[], at: Date): string {
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(0);
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench`. Each row compares the service with a baseline that ran in the same minutes on',
    'the same machine. [Scaling](docs/scaling.md) explains the measures and the baselines.',
    '',
    `- ${at.toISOString()}`,
    `- ${String(availableParallelism())} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gigabytes} GB`,
    `- Node ${process.version}`,
    '',
    '```text',
    benchTable(results),
    '```',
    '',
  ].join('\n');
}
