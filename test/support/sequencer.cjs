/**
 * Starts the suites of some folders first. They mostly wait, for browsers and processes that they start, so other suites use the processor
 * meanwhile, and no long one is left alone at the end.
 */
const { relative } = require('node:path');

const Sequencer = require('@jest/test-sequencer').default;

const slowFolders = [
  'test/process/',
  'test/gallery/',
  'test/infra/postgres/',
  'test/http/events/',
  'test/pipeline/',
];

module.exports = class SlowFirst extends Sequencer {
  sort(tests) {
    const isSlow = ({ path, context }) => {
      const name = relative(context.config.rootDir, path);
      return slowFolders.some((folder) => name.startsWith(folder));
    };
    const sorted = super.sort(tests);
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
};
