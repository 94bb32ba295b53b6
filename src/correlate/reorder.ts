/** Reorder buffer: events wait for the watermark and leave in one canonical order. */
import type { Event } from '../model/event.ts';
import { Heap } from '../state/heap.ts';

const RANK = { governance: 0, reasoning: 1, gateway: 2, metrics: 3 } as const;

interface Held {
  readonly event: Event;
  readonly identity: string;
  released: boolean;
}

/**
 * The canonical order: event time, then book (governance first: permission precedes use), then the
 * producer's counter, then identity. Total, and independent of arrival.
 */
function before(a: Held, b: Held): boolean {
  const x = a.event;
  const y = b.event;
  if (x.time.eventMs !== y.time.eventMs) return x.time.eventMs < y.time.eventMs;
  if (x.kind !== y.kind) return RANK[x.kind] < RANK[y.kind];
  if (x.time.nsInMs !== y.time.nsInMs) return x.time.nsInMs < y.time.nsInMs;
  const i = x.order?.seq ?? 0;
  const j = y.order?.seq ?? 0;
  if (i !== j) return i < j;
  return a.identity < b.identity;
}

/** What came of offering an event. */
export type Offered = 'held' | 'repeat' | 'forged';

/** Events not yet released. Bounded by back-pressure upstream, not by dropping. */
export class Reorder {
  readonly #heap = new Heap<Held>(before);
  readonly #byId = new Map<string, Held>();
  readonly #arrivals = new Map<string, Held[]>();
  readonly #heads = new Map<string, number>();

  get size(): number {
    return this.#heap.size;
  }

  /** Holds the event. 'repeat': same identity and bytes are held. 'forged': same identity, other bytes. */
  offer(event: Event): Offered {
    const identity = `${event.src.topic}\u0000${event.nativeId}`;
    const present = this.#byId.get(identity);
    if (present !== undefined)
      return present.event.contentHash === event.contentHash ? 'repeat' : 'forged';
    const held: Held = { event, identity, released: false };
    this.#byId.set(identity, held);
    this.#heap.push(held);
    const partition = `${event.src.topic}/${event.src.partition}`;
    const queue = this.#arrivals.get(partition);
    if (queue === undefined) this.#arrivals.set(partition, [held]);
    else queue.push(held);
    return 'held';
  }

  /** The next event at or before `ms` in canonical order, or undefined. */
  takeUpTo(ms: number): Event | undefined {
    const top = this.#heap.peek();
    if (top === undefined || top.event.time.eventMs > ms) return undefined;
    this.#heap.pop();
    top.released = true;
    this.#byId.delete(top.identity);
    return top.event;
  }

  /** Event time of the next one, or undefined. */
  nextMs(): number | undefined {
    return this.#heap.peek()?.event.time.eventMs;
  }

  /** Offset of the oldest record of a partition that is still held, or null. */
  low(topic: string, partition: number): number | null {
    const key = `${topic}/${partition}`;
    const queue = this.#arrivals.get(key);
    if (queue === undefined) return null;
    let head = this.#heads.get(key) ?? 0;
    while (head < queue.length && (queue[head] as Held).released) head += 1;
    if (head > 1024 && head * 2 > queue.length) {
      queue.splice(0, head);
      head = 0;
    }
    this.#heads.set(key, head);
    return head < queue.length ? (queue[head] as Held).event.src.offset : null;
  }
}
