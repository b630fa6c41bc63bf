/** Runs suites one after another in Jest's own process, with no other suite beside them. */
const TestRunner = require('jest-runner').default;

module.exports = class SerialRunner extends TestRunner {
  isSerial = true;
};
