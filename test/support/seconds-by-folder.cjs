/** Prints the seconds of the suites of each folder, slowest first, so that a slow folder is noticed. */
const { relative } = require('node:path');

/** A run of fewer suites covers one folder or file, whose time Jest reports itself. */
const fewSuites = 20;

module.exports = class SecondsByFolder {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  onRunComplete(_contexts, { testResults }) {
    if (testResults.length < fewSuites) return;
    const folders = new Map();
    for (const { testFilePath, perfStats } of testResults) {
      const [top, folder] = relative(this.rootDir, testFilePath).split('/');
      const name = `${top}/${folder}`;
      const { suites, ms } = folders.get(name) ?? { suites: 0, ms: 0 };
      folders.set(name, { suites: suites + 1, ms: ms + perfStats.runtime });
    }
    const rows = [...folders].sort(([, one], [, other]) => other.ms - one.ms);
    process.stdout.write('\nSeconds of all suites of a folder together:\n');
    for (const [name, { suites, ms }] of rows)
      process.stdout.write(`${(ms / 1_000).toFixed(0).padStart(6)} s  ${name} (${suites} suites)\n`);
  }
};
