/**
 * The processor time of work, for promises such as "a hostile body is refused at once". Elapsed time would also count whatever the
 * other programs of the machine do meanwhile.
 */

/** Milliseconds that this thread was busy while the work was under way, which other programs do not change. */
export async function threadCpuMs<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const before = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, ms: (user + system) / 1_000 };
}
