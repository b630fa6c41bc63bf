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
  // Ends what hangs. Machines differ by a factor of three in speed, and no suite judges time by this.
  testTimeout: 90_000,
  // Twice the cores of a small machine, because many tests wait.
  maxWorkers: 4,
  // Jest keeps modules of suites that have ended. Without a limit, a quarter of all processor time was spent
  // on collecting garbage in heaps of 600 MB.
  workerIdleMemoryLimit: '300MB',
};
