/** The part of WebAssembly that the migrations use: Node has it, but its types come only with those of a browser. */
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  interface Module {
    readonly module: unique symbol;
  }
  interface Instance {
    readonly exports: Exports;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: Record<string, object>): Promise<Instance>;
}
