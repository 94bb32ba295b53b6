/** Claim: what the handler is asked to take over, once however often it is joined for. */
import type { PartitionLag, StartPosition } from '../model/ports.ts';
import { partitionKey } from './kafka-face.ts';

type Starts = readonly StartPosition[] | null;

interface Asked {
  /** The partitions that it was asked for, by name. */
  readonly of: string;
  readonly starts: Promise<Starts>;
}

/**
 * A lane may take longer to load than a session lasts, and where the machine is so busy that sessions end
 * meanwhile, each join would throw away what was loaded and begin anew, for ever. So the answer holds for
 * all joins with the same partitions, from the first on, until something is read behind it. Should another
 * member have taken the lane in between, the first commit is fenced.
 */
export class KafkaClaim {
  #now: Asked | null = null;

  /**
   * What `ask` resolved to, or will resolve to, for these partitions. It is told whether its answer is
   * still awaited. One that rejects is asked again by the next join.
   */
  async starts(
    lag: readonly PartitionLag[],
    ask: (isAwaited: () => boolean) => Promise<Starts>,
  ): Promise<Starts> {
    const of = lag.map(nameOf).sort().join();
    if (this.#now?.of === of) return await this.#now.starts;
    const mine: Asked = { of, starts: ask(() => this.#now === mine) };
    this.#now = mine;
    mine.starts.catch(() => {
      if (this.#now === mine) this.#now = null;
    });
    return await mine.starts;
  }

  /** Reading went on, partitions were lost, or a log is another one: the next join asks anew. */
  over(): void {
    this.#now = null;
  }
}

function nameOf(at: PartitionLag): string {
  return `${partitionKey(at)}${at.isRecreated === true ? ' anew' : ''}`;
}
