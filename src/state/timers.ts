/** Timers in event time: an entity says when it wants to be woken; nothing else is stored. */
import { Agenda } from './agenda.ts';
import type { Entity } from './slot.ts';
import type { Slots } from './slots.ts';

interface Timer {
  readonly at: number;
  readonly space: string;
  readonly key: string;
}

const STEP_ENTITIES = 10_000;

/** One timer an entity, kept in `entity.wake`; the agenda is rebuilt from the entities after a restore. */
export class Timers {
  readonly #slots: Slots;
  readonly #agenda = new Agenda<Timer>(
    (a, b) =>
      a.at !== b.at ? a.at < b.at : a.space !== b.space ? a.space < b.space : a.key < b.key,
    // Timers of entities that are gone would lie here until they are due, a day or so.
    ({ at, space, key }) => wakeIn(this.#slots.head(space, key)) === at,
  );

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** Wakes the entity at `at` (event ms), or earlier where it asked for that before. */
  wake(space: string, key: string, entity: Entity, at: number): void {
    if (entity.wake !== undefined && entity.wake <= at) return;
    entity.wake = at;
    this.#agenda.push({ at, space, key });
    this.#slots.touch(space, key);
  }

  /** The earliest timer at or before `ms`, or undefined. Its entity has no timer any more. */
  takeUpTo(ms: number): Timer | undefined {
    for (;;) {
      const top = this.#agenda.peek();
      if (top === undefined || top.at > ms) return undefined;
      this.#agenda.pop();
      const entity = this.#slots.get<Entity>(top.space, top.key);
      if (entity === undefined || entity.wake !== top.at) continue;
      // Deleting a member would make every later access to this object slow.
      entity.wake = undefined;
      this.#slots.touch(top.space, top.key);
      return top;
    }
  }

  /** Timers held, those that mean nothing any more included. */
  get size(): number {
    return this.#agenda.size;
  }

  /** When the next timer is due, ms, or undefined. May name one that was moved. */
  nextMs(): number | undefined {
    return this.#agenda.peek()?.at;
  }

  /** Rebuilds the agenda from the entities of these spaces, some thousand a step. */
  *restoring(spaces: readonly string[]): Generator<undefined, void> {
    const found: Timer[] = [];
    let seen = 0;
    for (const space of spaces)
      for (const [key, head] of this.#slots.heads(space)) {
        const at = wakeIn(head);
        if (at !== null) found.push({ at, space, key });
        seen += 1;
        if (seen % STEP_ENTITIES === 0) yield;
      }
    this.#agenda.fill(found);
  }
}

/** What a head says of the timer: it is the head, or stands first in it. */
function wakeIn(head: unknown): number | null {
  const at: unknown = Array.isArray(head) ? head[0] : head;
  return typeof at === 'number' ? at : null;
}
