/** Reorder buffer: events wait for the watermark and leave in one canonical order. */
import { assert } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import { Agenda } from '../state/agenda.ts';

const RANK = { governance: 0, reasoning: 1, gateway: 2, metrics: 3 } as const;

/** An event and what orders it, read out once: the agenda compares each several times. */
interface Held {
  /** Null once released: its partition's queue may hold on to the place much longer. */
  event: Event | null;
  readonly topic: string;
  /** Identity within the topic. */
  readonly name: string;
  readonly contentHash: number;
  readonly offset: number;
  /** Bytes of the record, or its share of them where it holds several events. */
  readonly bytes: number;
  /** Event time, ms. */
  readonly at: number;
  readonly rank: number;
  readonly nsInMs: number;
  readonly seq: number;
}

/**
 * The canonical order: event time, then book (governance first: permission precedes use), then the
 * producer's counter, then identity. Total, and independent of arrival.
 */
function before(a: Held, b: Held): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.rank !== b.rank) return a.rank < b.rank;
  if (a.nsInMs !== b.nsInMs) return a.nsInMs < b.nsInMs;
  if (a.seq !== b.seq) return a.seq < b.seq;
  return a.topic === b.topic ? a.name < b.name : a.topic < b.topic;
}

/** What came of offering an event. */
export type Offered = 'held' | 'repeat' | 'forged';

/** Events not yet released. Bounded by back-pressure upstream and, where that cannot help, by early release. */
export class Reorder {
  readonly #agenda = new Agenda<Held>(before);
  /** By topic, then by identity within it: a name for both would have to be made of each event. */
  readonly #byId = new Map<string, Map<string, Held>>();
  readonly #arrivals = new Map<string, Held[]>();
  readonly #heads = new Map<string, number>();
  #last: { readonly topic: string; readonly partition: number; readonly queue: Held[] } = {
    ...{ topic: '', partition: -1, queue: [] },
  };

  #bytes = 0;

  get size(): number {
    return this.#agenda.size;
  }

  /** Bytes of the records whose events are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Holds the event, which is of `bytes` bytes of a record. 'repeat': same identity and bytes are held.
   * 'forged': same identity, other bytes.
   */
  offer(event: Event, bytes = 0): Offered {
    // A tenant that bears the ids of another must not push its records aside.
    const { nativeId, tenant } = event;
    const name = tenant === undefined ? nativeId : `${nativeId}\u0000${tenant}`;
    const { topic } = event.src;
    let held = this.#byId.get(topic);
    if (held === undefined) {
      held = new Map();
      this.#byId.set(topic, held);
    }
    const present = held.get(name);
    if (present !== undefined)
      return present.contentHash === event.contentHash ? 'repeat' : 'forged';
    const one: Held = {
      event,
      topic,
      name,
      contentHash: event.contentHash,
      offset: event.src.offset,
      bytes,
      at: event.time.eventMs,
      rank: RANK[event.kind],
      nsInMs: event.time.nsInMs,
      seq: event.order?.seq ?? 0,
    };
    this.#bytes += bytes;
    held.set(name, one);
    this.#agenda.push(one);
    this.#queueOf(topic, event.src.partition).push(one);
    return 'held';
  }

  /** Events of one partition in the order of their arrival. Slices come by partition: it is often the last. */
  #queueOf(topic: string, partition: number): Held[] {
    const last = this.#last;
    if (last.topic === topic && last.partition === partition) return last.queue;
    const key = `${topic}/${partition}`;
    let queue = this.#arrivals.get(key);
    if (queue === undefined) {
      queue = [];
      this.#arrivals.set(key, queue);
    }
    this.#last = { topic, partition, queue };
    return queue;
  }

  /** The next event at or before `ms` in canonical order, or undefined. */
  takeUpTo(ms: number): Event | undefined {
    const top = this.#agenda.peek();
    if (top === undefined || top.at > ms) return undefined;
    this.#agenda.pop();
    this.#byId.get(top.topic)?.delete(top.name);
    this.#bytes -= top.bytes;
    const { event } = top;
    assert(event !== null, 'an event is released once');
    top.event = null;
    return event;
  }

  /**
   * Events at or before `ms` in canonical order: all of them or, where more than `most` wait, about
   * so many. What bears one and the same millisecond is never parted.
   */
  take(ms: number, most: number): Event[] {
    const taken: Event[] = [];
    for (;;) {
      const lastMs = taken.at(-1)?.time.eventMs;
      const event = this.takeUpTo(taken.length < most ? ms : Math.min(ms, lastMs ?? ms));
      if (event === undefined) return taken;
      taken.push(event);
    }
  }

  /** Event time of the next one, or undefined. */
  nextMs(): number | undefined {
    return this.#agenda.peek()?.at;
  }

  /** Offset of the oldest record of a partition that is still held, or null. */
  low(topic: string, partition: number): number | null {
    const key = `${topic}/${partition}`;
    const queue = this.#arrivals.get(key);
    if (queue === undefined) return null;
    let head = this.#heads.get(key) ?? 0;
    while (head < queue.length && (queue[head] as Held).event === null) head += 1;
    if (head > 1024 && head * 2 > queue.length) {
      queue.splice(0, head);
      head = 0;
    }
    this.#heads.set(key, head);
    return head < queue.length ? (queue[head] as Held).offset : null;
  }
}
