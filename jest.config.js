const project = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

export default {
  projects: [
    {
      ...project,
      displayName: 'side by side',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.timed\\.test\\.ts$'],
    },
    {
      ...project,
      // These suites judge elapsed time, which suites beside them would change.
      displayName: 'timed',
      testMatch: ['<rootDir>/test/**/*.timed.test.ts'],
      runner: '<rootDir>/test/support/serial-runner.cjs',
    },
  ],
  reporters: ['default', '<rootDir>/test/support/seconds-by-folder.cjs'],
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  testTimeout: 30_000,
  // One more than two cores: some tests mostly wait for processes that they start. With four, single tests exceed their time.
  maxWorkers: 3,
};
