/** The parts of WebAssembly that are used here. Node has them, but only the browser types declare them. */
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  interface Module {
    readonly module: unique symbol;
  }
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: Exports;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    grow: (pages: number) => number;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: Record<string, object>): Promise<Instance>;
}
