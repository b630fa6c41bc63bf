/** The processor time of running processes, from `/proc` (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Linux counts in hundredths of a second (`sysconf(_SC_CLK_TCK)`), whatever its own clock does. */
const tickMs = 10;

interface ProcessStat {
  readonly parent: number;
  /** The processor time of the process and of its children that have ended. */
  readonly ms: number;
  /** The part of the children. */
  readonly childrenMs: number;
}

/** The milliseconds that children of this process have used that have ended. NaN without `/proc`. */
export function childrenMs(): number {
  return statOf(process.pid)?.childrenMs ?? NaN;
}

/**
 * The milliseconds that the service and its embedded PostgreSQL have used since they started. NaN on systems
 * without `/proc`.
 */
export function processorMsOf(service: number | undefined, inletDir: string): number {
  const postmaster = postmasterOf(inletDir);
  if (service === undefined || postmaster === undefined) return NaN;
  const backends = processIds().filter((id) => statOf(id)?.parent === postmaster);
  return [service, postmaster, ...backends].reduce((sum, id) => sum + (statOf(id)?.ms ?? 0), 0);
}

function postmasterOf(inletDir: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(inletDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
  } catch {
    return undefined;
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Undefined if the process has ended. */
function statOf(id: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${String(id)}/stat`, 'utf8');
    // The name in parentheses may contain spaces.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0] = fields.slice(1);
    const msOf = (from: number): number =>
      fields.slice(from, 15).reduce((sum, ticks) => sum + ticks, 0) * tickMs;
    return { parent, ms: msOf(11), childrenMs: msOf(13) };
  } catch {
    return undefined;
  }
}
