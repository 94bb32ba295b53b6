/** Whether batches come so densely that the next one is as good as at hand. */

// So many batches in so short a time are a stream.
const STREAM_BATCHES = 8;
const STREAM_MS = 200;

/** The pace at which batches come, of all partitions together. */
export class BatchPace {
  readonly #nowMs: () => number;
  /** When the last batches came, ms. */
  readonly #came: number[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A batch has come. */
  came(): void {
    this.#came.push(this.#nowMs());
    if (this.#came.length > STREAM_BATCHES) this.#came.shift();
  }

  /** True while the last eight batches lie within 200 ms of now. */
  isStream(): boolean {
    const [first] = this.#came;
    if (first === undefined || this.#came.length < STREAM_BATCHES) return false;
    return this.#nowMs() - first <= STREAM_MS;
  }
}
