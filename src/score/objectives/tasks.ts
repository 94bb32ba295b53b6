/** Tasks: what each session is for, and what it used so far. */
import type { EventFact } from '../../model/fact.ts';
import type { Meters } from '../../model/objective.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import type { Slots } from '../../state/slots.ts';

/** Name of a meter. */
export type Meter = keyof Meters;
/** All meters. */
export const METER_NAMES: readonly Meter[] = ['tokens', 'cost'];

interface Reading {
  /** Place of the metric among those that carry the meter. */
  best: number;
  total: number;
  /** Last value of a cumulative instrument. */
  last: number;
}

/** A session as service levels see it. */
export interface Task extends Entity {
  /** Declared class of the task; empty where none was declared. */
  workflow: string;
  lastMs: number;
  readings: Partial<Record<Meter, Reading>>;
  /** Objectives that counted this session: 1 as good, 0 as bad. */
  counted: Record<string, 0 | 1>;
}

/** Space of tasks in the slots. */
export const TASKS = 'T';
const TASKS_MAX = 200_000;
/** A task that was quiet for so long is forgotten first, ms. */
const QUIET_MS = 6 * 3_600_000;
/**
 * A session uses less than this of anything. A reading beyond it is none: sums of doubles that overflow are
 * refused by the database, and a lane that cannot commit stands still.
 */
const READING_MAX = 1e15;

/** Tasks in slots; at most 200,000, the longest quiet of a sample makes room. */
export class Tasks {
  readonly #slots: Slots;
  readonly #evicted: (subject: string, detail: string, ms: number) => void;

  constructor(slots: Slots, evicted: (subject: string, detail: string, ms: number) => void) {
    slots.rests(TASKS);
    this.#slots = slots;
    this.#evicted = evicted;
  }

  /** The task an event belongs to; null where it names no session. */
  of(fact: EventFact): Task | null {
    const id = fact.session?.id;
    if (id === undefined) return null;
    const key = keyOf(fact.tenant, id);
    const ms = fact.event.time.eventMs;
    let task = this.#slots.get<Task>(TASKS, key);
    if (task === undefined) {
      this.#makeRoom(ms);
      task = { workflow: '', lastMs: ms, readings: {}, counted: {} };
      this.#slots.put(TASKS, key, task);
    }
    const declared = fact.event.governance?.detail?.taskType;
    if (fact.event.governance?.change === 'session.opened' && declared !== undefined) {
      task.workflow = declared;
      this.touch(fact);
    }
    // Coarse on purpose: a task is not written again for every event of its session.
    if (ms - task.lastMs > QUIET_MS / 6) {
      task.lastMs = ms;
      this.touch(fact);
    }
    return task;
  }

  touch(fact: EventFact): void {
    this.#slots.touch(TASKS, keyOf(fact.tenant, fact.session?.id ?? ''));
  }

  #makeRoom(ms: number): void {
    if (this.#slots.count(TASKS) < TASKS_MAX) return;
    const sampled = this.#slots.sample<Task>(TASKS, 8);
    let oldest: readonly [string, Task] | undefined;
    let removed = 0;
    for (const each of sampled) {
      if (oldest === undefined || each[1].lastMs < oldest[1].lastMs) oldest = each;
      if (each[1].lastMs > ms - QUIET_MS) continue;
      this.#slots.remove(TASKS, each[0]);
      removed += 1;
    }
    if (removed > 0 || oldest === undefined) return;
    this.#slots.remove(TASKS, oldest[0]);
    this.#evicted('service-levels', 'totals of a session evicted: too many at once', ms);
  }
}

/**
 * Adds a metric to its meter. Returns by how much the total moved, negative where a better metric
 * replaced what a worse one had given; null where the metric carries none.
 */
export function readMeter(
  task: Task,
  meter: Meter,
  names: readonly string[],
  metric: { readonly name: string; readonly value?: number; readonly temporality: string },
): number | null {
  const { name, value, temporality } = metric;
  const place = names.indexOf(name);
  if (place < 0 || value === undefined || isBeyond(value) || value < 0) return null;
  let reading = task.readings[meter];
  if (reading === undefined) {
    reading = { best: place, total: 0, last: 0 };
    task.readings[meter] = reading;
  }
  if (place > reading.best) return null;
  const before = reading.total;
  if (place < reading.best) {
    reading.best = place;
    reading.total = 0;
    reading.last = 0;
  }
  if (temporality === 'cumulative') {
    // A counter that went back was restarted: what it shows now was all added since.
    reading.total += value >= reading.last ? value - reading.last : value;
    reading.last = value;
  } else reading.total += value;
  return reading.total - before;
}

/** Is it a reading that no session can have? */
export function isBeyond(value: number): boolean {
  return !(value <= READING_MAX);
}

const keyOf = naming((tenant, session) => `${tenant.length}:${tenant}:${session}`);
