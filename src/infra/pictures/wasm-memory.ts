/** Bounds for modules of WebAssembly that say themselves how far their memory may grow. */

const pageBytes = 65_536;

export interface MemoryBound {
  readonly maxBytes: number;
  /** Whether a module wanted more. */
  isExceeded: boolean;
}

/**
 * Makes a memory refuse to grow beyond so many bytes: then an allocation fails in the module, and its work with it. A module cannot grow by
 * itself, it has its JavaScript call this function.
 */
export function boundGrowth(memory: WebAssembly.Memory, bound: MemoryBound): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * pageBytes <= bound.maxBytes) return grow(pages);
    bound.isExceeded = true;
    throw new RangeError('too much memory');
  };
}

/** The memories among what a module brings or is given. */
export function memoriesOf(...holders: readonly object[]): WebAssembly.Memory[] {
  return holders
    .flatMap((holder) => Object.values(holder) as unknown[])
    .filter((value) => value instanceof WebAssembly.Memory);
}
