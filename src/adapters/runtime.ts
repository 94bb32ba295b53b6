/** Runtime: what Node says of the event loop, the heap, garbage collection and the CPU. */
import {
  constants,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';

/** What was seen since the last look, or since the start. Times in seconds, memory in bytes. */
export interface RuntimeSeen {
  /** Delay of the event loop since the last look. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Share of the time since the last look in which the event loop worked, 0 to 1. */
  readonly loopUse: number;
  /** Since the start. */
  readonly gc: Readonly<Record<string, number>>;
  /** Since the start. */
  readonly cpu: { readonly user: number; readonly system: number };
  readonly memory: Readonly<Record<string, number>>;
}

/** Watches the runtime until it is stopped. */
export interface Runtime {
  look(): RuntimeSeen;
  /** Monotonic, seconds; to time what is short. */
  now(): number;
  /** Seconds since 1970 when the process started. */
  readonly startedSeconds: number;
  /** Version of Node, without the v. */
  readonly version: string;
  stop(): void;
}

const RESOLUTION_MS = 20;
const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak-callbacks'],
]);

/** Begins to watch. Costs a timer each 20 ms and an entry for each collection. */
export function watchRuntime(): Runtime {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const gc: Record<string, number> = Object.fromEntries(
    [...GC_KINDS.values()].map((kind) => [kind, 0]),
  );
  const collections = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as { duration: number; detail?: unknown };
      const kind = GC_KINDS.get((detail as { kind?: number } | undefined)?.kind ?? -1);
      if (kind !== undefined) gc[kind] = (gc[kind] ?? 0) + duration / 1000;
    }
  });
  collections.observe({ entryTypes: ['gc'] });
  let used = performance.eventLoopUtilization();
  return {
    startedSeconds: performance.timeOrigin / 1000,
    version: process.versions.node,
    now: () => performance.now() / 1000,
    look: () => {
      const before = used;
      used = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(used, before);
      const loopDelay = {
        p50: late(delay.percentile(50)),
        p99: late(delay.percentile(99)),
        max: late(delay.max),
      };
      delay.reset();
      const { user, system } = process.cpuUsage();
      const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
      return {
        ...{ loopDelay, gc: { ...gc } },
        loopUse: Number.isFinite(utilization) ? utilization : 0,
        cpu: { user: user / 1e6, system: system / 1e6 },
        memory: {
          ...{ rss, external, 'heap-total': heapTotal },
          ...{ 'heap-used': heapUsed, 'array-buffers': arrayBuffers },
        },
      };
    },
    stop: () => {
      delay.disable();
      collections.disconnect();
    },
  };
}

/**
 * Makes the collector count buffers as it counts the heap. V8 otherwise marks the whole heap whenever
 * 64 MiB of buffers outlived a young collection, however large the heap is: batches and rows that wait
 * for a commit do so every few seconds, and a heap of a gigabyte takes a second to mark each time. What is
 * garbage then lies longer: not for a process that takes large bodies from strangers (a flood of them held
 * 0.9 GiB instead of 0.7). Before it allocates much; a V8 without the flag goes on as it is.
 */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** So many percent of what lives may be allocated before the heap is marked again: the most V8 itself allows. */
const GROWTH_PERCENT = 300;

/**
 * Lets the heap grow to four times what lives in it before it is marked again, as V8 does by itself in a
 * program that allocates fast. In one whose heap changes slowly it marks more often: it marked a lane's state
 * each time a sixth had been added to it, every seven seconds in a busy stream, in each of which the thread
 * did little else for one and a half. The heap never grows beyond the limit that Node sets for it. Before much
 * is allocated; a V8 without the flag goes on as it is.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

/** Nanoseconds between two rounds of the timer, less what lies between them by intention; seconds. */
function late(ns: number): number {
  return Number.isFinite(ns) ? Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000) : 0;
}
