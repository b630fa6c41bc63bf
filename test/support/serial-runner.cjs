/**
 * Runs suites one after another, with no other suite beside them. They run in a process of their own, so that
 * modules of ended suites neither fill the heap of Jest itself nor can end it.
 */
const TestRunner = require('jest-runner').default;

module.exports = class SerialRunner extends TestRunner {
  constructor(globalConfig, context) {
    super({ ...globalConfig, maxWorkers: 1 }, context);
  }
};
