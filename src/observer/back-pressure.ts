/** Back-pressure: partitions that run ahead of the watermark wait until the buffer has room. */
import type { Broker, Log, TopicPartition } from '../model/ports.ts';
import type { Pipeline } from '../pipeline.ts';
import { keyOf } from './progress.ts';

/** Pauses and resumes partitions of a lane. */
export class BackPressure {
  readonly #broker: Pick<Broker, 'pause' | 'resume'>;
  readonly #log: Log;
  #paused: readonly TopicPartition[] = [];

  constructor(broker: Pick<Broker, 'pause' | 'resume'>, log: Log) {
    this.#broker = broker;
    this.#log = log;
  }

  /** Pauses outlive rebalances; those of the old buffer have nothing to wait for any more. */
  lift(): void {
    this.#broker.resume(this.#paused);
    this.#paused = [];
  }

  /** After each step of the core. */
  makeRoom(pipeline: Pipeline): void {
    const isFull = pipeline.isFull();
    if (!isFull && this.#paused.length === 0) return;
    const ahead = pipeline.hasRoom() ? [] : pipeline.ahead();
    const before = new Set(this.#paused.map(keyOf));
    const wanted = isFull ? ahead : ahead.filter((at) => before.has(keyOf(at)));
    if (wanted.length > 0 && before.size === 0) {
      const { buffered } = pipeline;
      this.#log.info({ buffered, paused: wanted.length }, 'sources run ahead: paused');
    }
    // One that was ahead may by now be the one all others wait for. It must go on, however full the
    // buffer: nothing else empties it.
    const still = new Set(wanted.map(keyOf));
    this.#broker.resume(this.#paused.filter((at) => !still.has(keyOf(at))));
    this.#broker.pause(wanted.filter((at) => !before.has(keyOf(at))));
    this.#paused = wanted;
  }
}
