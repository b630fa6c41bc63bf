/**
 * Mixes the suites that start browsers and processes, which compute, with those that mostly wait, so that the
 * processor is neither idle nor crowded. Among the latter, those of slow folders come first, so that no long
 * one is left alone at the end.
 */
const { relative } = require('node:path');

const Sequencer = require('@jest/test-sequencer').default;

const computing = ['test/process/', 'test/gallery/'];
const slow = [
  'test/infra/postgres/',
  'test/infra/queue/',
  'test/infra/pictures/',
  'test/infra/files/',
  'test/infra/migrations/',
  'test/http/events/',
  'test/http/media/',
  'test/pipeline/',
];

const isIn =
  (folders) =>
  ({ path, context }) =>
    folders.some((folder) => relative(context.config.rootDir, path).startsWith(folder));

module.exports = class Mixed extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const heavy = sorted.filter(isIn(computing));
    const others = sorted.filter((test) => !heavy.includes(test));
    const waiting = [...others.filter(isIn(slow)), ...others.filter((test) => !isIn(slow)(test))];
    const mixed = waiting.flatMap((test, at) => (at < heavy.length ? [heavy[at], test] : [test]));
    return [...mixed, ...heavy.slice(waiting.length)];
  }
};
