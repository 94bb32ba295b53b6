/** Telling Kafka how far we are: a courtesy to its tools, for reading never starts there. */
import type { StartPosition } from '../model/ports.ts';
import type { FetchedBatch } from './kafka-face.ts';
import type { Gate } from './kafka-gate.ts';

// Kafka is told of what is stored once it is quiet, and in a stream this often.
const COMMIT_EVERY_MS = 1_000;

/** What Kafka was told, and when. */
export class KafkaCourtesy {
  readonly #nowMs: () => number;
  readonly #onStep: ((step: 'broker-committed', at: StartPosition) => void) | undefined;
  #toldMs: number;

  constructor(
    nowMs: () => number,
    onStep: ((step: 'broker-committed', at: StartPosition) => void) | undefined,
  ) {
    this.#nowMs = nowMs;
    this.#onStep = onStep;
    this.#toldMs = nowMs();
  }

  /** Was it told nothing for so long that it is told even in a stream? */
  isDue(): boolean {
    return this.#nowMs() - this.#toldMs >= COMMIT_EVERY_MS;
  }

  /**
   * Tells what is stored of every partition: one may have been quiet since it was. Rejections are of
   * the group, and the client must see them.
   */
  async tell(batch: FetchedBatch, gates: Iterable<Gate>): Promise<void> {
    this.#toldMs = this.#nowMs();
    const news = [...gates].filter(({ stored, told }) => stored > told);
    if (news.length === 0) return;
    const positions = news.map(({ topic, partition, stored }) => {
      return { topic, partition, offset: stored };
    });
    await batch.commit(positions);
    news.forEach((gate, at) => {
      gate.told = (positions[at] as StartPosition).offset;
    });
    for (const at of positions) this.#onStep?.('broker-committed', at);
  }
}
