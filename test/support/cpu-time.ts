/**
 * Measures the processor time of work, for guarantees such as "a hostile body is refused at once". Elapsed
 * time would also depend on the other programs of the machine.
 */

/** The milliseconds for which this thread was busy during the work; other programs do not change them. */
export async function threadCpuMs<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const before = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, ms: (user + system) / 1_000 };
}

/** The same for all threads of this process, which decoders of pictures use. */
export async function processCpuMs<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: (user + system) / 1_000 };
}
