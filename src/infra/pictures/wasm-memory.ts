/** Limits the memory of WebAssembly modules that would otherwise decide themselves how far it may grow. */

const pageBytes = 65_536;

export interface MemoryBound {
  readonly maxBytes: number;
  /** Whether a module requested more. */
  isExceeded: boolean;
}

/**
 * Makes a memory refuse to grow beyond this many bytes: an allocation in the module then fails, and its work
 * with it. A module cannot grow its memory itself but calls this function through its JavaScript.
 */
export function boundGrowth(memory: WebAssembly.Memory, bound: MemoryBound): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * pageBytes <= bound.maxBytes) return grow(pages);
    bound.isExceeded = true;
    throw new RangeError('too much memory');
  };
}

/** The memories in a module's exports or imports. */
export function memoriesOf(...holders: readonly object[]): WebAssembly.Memory[] {
  return holders
    .flatMap((holder) => Object.values(holder) as unknown[])
    .filter((value) => value instanceof WebAssembly.Memory);
}
