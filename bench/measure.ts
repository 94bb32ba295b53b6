/** Measuring: medians and spreads, what the machine was, CPU of foreign processes, result files. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { FLEET, SEED } from './workload.ts';

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));
const ROOT = fileURLToPath(new URL('../', import.meta.url));
// Linux counts process times in ticks; 100 a second on every platform Node runs on.
const TICK_MS = 10;

/** A median with what lies around it. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, smallest and largest of a list that is not empty. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const low = sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? Number.NaN;
  const high = sorted[middle] ?? Number.NaN;
  return {
    median: (low + high) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  };
}

/** A result as it lies in bench/results. */
export interface Result {
  readonly name: string;
  readonly command: string;
  readonly at: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly workload: Readonly<Record<string, unknown>>;
  /** What the document shows. */
  readonly figures: Readonly<Record<string, Spread | number | string>>;
  /** Every round as measured. */
  readonly rounds: unknown;
  readonly notes: readonly string[];
}

/** Starts a result: notes the load before anything runs. */
export function begin(
  name: string,
  command: string,
): (rest: Pick<Result, 'workload' | 'figures' | 'rounds' | 'notes'>) => Result {
  const loadBefore = loadNow();
  return (rest) => ({
    name,
    command,
    at: new Date().toISOString(),
    machine: {
      commit: commitNow(),
      node: process.version,
      cpu: cpus()[0]?.model.replaceAll(/\s+/g, ' ') ?? 'unknown',
      cores: cpus().length,
      pinning: 'none',
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      // biome-ignore lint/style/noProcessEnv: flags of Node belong to a result
      nodeOptions: process.env['NODE_OPTIONS'] ?? '',
      loadBefore,
      loadAfter: loadNow(),
    },
    ...rest,
    workload: { seed: SEED, fleet: FLEET, ...rest.workload },
  });
}

/** Writes a result, for the document to be made from. */
export function keep(result: Result): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}${result.name}.json`, `${JSON.stringify(result, null, 1)}\n`);
}

/** Every kept result, by name. */
export function kept(): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const file of readdirSync(RESULTS).sort()) {
    if (!file.endsWith('.json')) continue;
    const result = JSON.parse(readFileSync(`${RESULTS}${file}`, 'utf8')) as Result;
    results.set(result.name, result);
  }
  return results;
}

/**
 * CPU time, ms, of the process of this machine that listens on `port` and of its children, those that
 * ended included; null where that cannot be told (no Linux, another machine, another user).
 */
export function cpuOfServer(port: number): number | null {
  try {
    const server = listenerOf(port);
    if (server === null) return null;
    let total = 0;
    for (const pid of pids()) {
      const fields = statOf(pid);
      if (fields === null) continue;
      const [own, waited] = [
        Number(fields[11]) + Number(fields[12]),
        Number(fields[13]) + Number(fields[14]),
      ];
      if (pid === server) total += own + waited;
      else if (fields[1] === server) total += own;
    }
    return total * TICK_MS;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

/** CPU time, ms, of a process of this machine, all its threads; null where it is gone, or this is no Linux. */
export function cpuOfProcess(pid: number): number | null {
  const fields = statOf(String(pid));
  return fields === null ? null : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
}

/** Fields of /proc/PID/stat from the third on: 1 is the parent, 11 to 14 are times. */
function statOf(pid: string): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null; // it ended while we looked
  }
}

function listenerOf(port: number): string | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(wanted) && fields[3] === '0A') sockets.add(`socket:[${fields[9]}]`);
    }
  return pids().find((pid) => holdsOne(pid, sockets)) ?? null;
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false; // closed while we looked
      }
    });
  } catch {
    return false; // it ended, or is not ours to look into
  }
}

function loadNow(): number[] {
  return loadavg().map((load) => Math.round(load * 100) / 100);
}

function commitNow(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const dirty = git('status', '--porcelain', '--', 'src', 'detectors', 'baselines', 'mappings');
  return `${git('rev-parse', 'HEAD')}${dirty === '' ? '' : ' (with local changes)'}`;
}
