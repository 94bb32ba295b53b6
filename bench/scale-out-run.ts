/** A run of the scale-out benchmark: members over one log, held back, let go, stopped and judged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '../src/model/event.ts';
import { differences } from '../test/integration/crash/outcome.ts';
import { sourcesOf } from '../test/integration/members/load.ts';
import { readMembersOutcome } from '../test/integration/members/outcome.ts';
import { type MemberProcess, openStage, type Stage } from '../test/integration/members/stage.ts';
import type { ProvidedPostgres } from '../test/integration/postgres.ts';
import { cpuOfProcess, cpuOfServer } from './measure.ts';
import { LANES, type LaneEnd, SOURCE_PARTITIONS, START_MS } from './scale-out-load.ts';

/** Where everything runs. */
export interface Ground {
  readonly brokers: readonly string[];
  readonly postgres: ProvidedPostgres;
  readonly scratch: string;
  /** Session time-out of the group. */
  readonly sessionTimeout: string;
}

/** What a run left behind, table by table. */
export type Outcome = Awaited<ReturnType<typeof readMembersOutcome>>;

/** CPU so far, ms; null where that cannot be told. */
export interface CpuSoFar {
  readonly members: number;
  readonly broker: number | null;
  readonly database: number | null;
}

const HOUR_MS = 3_600_000;
const POLL_MS = 100;
/** Members join the group of the sources about when they join that of the lanes; this much is left for it, ms. */
const SETTLE_MS = 3000;
const PATIENCE_MS = 900_000;

/** Members over one log, with a group and a database of their own. */
export class ScaleRun {
  readonly #name: string;
  readonly #prefix: string;
  readonly #ground: Ground;
  readonly #stage: Stage;
  readonly #alive = new Set<MemberProcess>();
  readonly #failed: string[] = [];
  /** CPU of members that are gone, ms, as it was last seen. */
  #goneCpuMs = 0;

  private constructor(name: string, prefix: string, ground: Ground, stage: Stage) {
    this.#name = name;
    this.#prefix = prefix;
    this.#ground = ground;
    this.#stage = stage;
  }

  /** Opens a run over the topics of `prefix`; nobody reads yet. */
  static async open(name: string, prefix: string, ground: Ground): Promise<ScaleRun> {
    const { brokers, postgres, scratch, sessionTimeout } = ground;
    const group = `${prefix}${name}`;
    const lanes = { count: LANES, topic: `${group}-events` };
    const stage = await openStage({
      ...{ name, scratch, postgres },
      config: {
        kafka: { brokers: [...brokers], group, sessionTimeout, lanes },
        sources: sourcesOf(prefix),
      },
      baseMs: START_MS - HOUR_MS,
    });
    return new ScaleRun(name, prefix, ground, stage);
  }

  /** The run's database. */
  get db(): Stage['db'] {
    return this.#stage.db;
  }

  /** Name of its internal topic. */
  get internal(): string {
    return `${this.#prefix}${this.#name}-events`;
  }

  /** Members at work. */
  get members(): readonly MemberProcess[] {
    return [...this.#alive];
  }

  /** Starts so many members. */
  async join(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const member = await this.#stage.start(false);
      this.#alive.add(member);
      void member.ended.then(({ code, signal }) => {
        if (this.#alive.delete(member)) this.#failed.push(`${member.name}: ${code ?? signal}`);
      });
    }
  }

  /** Ends a member, told or not told, and waits until its process is gone. */
  async lose(member: MemberProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#goneCpuMs += cpuOfProcess(member.child.pid ?? 0) ?? Number.NaN;
    this.#alive.delete(member);
    member.child.kill(signal);
    const ended = await member.ended;
    if (signal === 'SIGTERM' && ended.code !== 0)
      throw new Error(`${member.name} ended with ${ended.code ?? ended.signal}, told to stop`);
  }

  /** Tells all to stop. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#alive].map((member) => this.lose(member, 'SIGTERM')));
  }

  /** CPU of all members so far, and of the servers. */
  cpu(): CpuSoFar {
    let members = this.#goneCpuMs;
    for (const { child } of this.#alive) members += cpuOfProcess(child.pid ?? 0) ?? Number.NaN;
    return {
      members,
      broker: cpuOfServer(Number(this.#ground.brokers[0]?.split(':')[1])),
      database: cpuOfServer(Number(new URL(this.#ground.postgres.url).port)),
    };
  }

  /** Lanes by the name of who holds them. */
  async holders(): Promise<ReadonlyMap<string, readonly number[]>> {
    const rows = await this.db.query('select owner, lane from lane order by lane');
    const held = new Map<string, number[]>();
    for (const row of rows) {
      const owner = String(row['owner']);
      held.set(owner, [...(held.get(owner) ?? []), Number(row['lane'])]);
    }
    return held;
  }

  /** Resolves once all members hold as many lanes as balance gives them. */
  async shared(): Promise<void> {
    await this.#until('the lanes are shared', async () => {
      const held = await this.holders();
      const least = Math.floor(LANES / this.#alive.size);
      const counts = [...this.#alive].map(({ name }) => held.get(name)?.length ?? 0);
      return counts.every((count) => count >= least) && counts.reduce((a, b) => a + b, 0) === LANES;
    });
    await sleep(SETTLE_MS);
  }

  /**
   * Has every source wait, in the words in which a full lane says so to other members: those who start on a
   * full log come to their lanes before much of it is read. A member hears of it a second after its start.
   */
  async holdBack(): Promise<void> {
    await this.db.query(
      `insert into lane_pause (consumer_group, member, topic, partition, wished_at)
        select $1, 'bench', topic, partition, now() + interval '1 day'
        from unnest($2::text[]) as topic, generate_series(0, $3::int - 1) as partition`,
      [`${this.#prefix}${this.#name}`, topicsOf(this.#prefix), SOURCE_PARTITIONS],
    );
  }

  /** Lets the sources go: each member hears of it within a second. */
  async letGo(): Promise<void> {
    await this.db.query("delete from lane_pause where member = 'bench'");
  }

  /** Events of the sources that were read, as it is recorded: of all lanes on average. */
  async progress(): Promise<number> {
    const [row] = await this.db.query(
      `select coalesce(avg(read), 0) as read from (select sum(next_offset) as read from progress
        where topic <> $1 group by lane) as lanes`,
      [this.internal],
    );
    return Math.round(Number(row?.['read']));
  }

  /** Resolves once so many were read, to how many there were then. */
  async passed(events: number): Promise<number> {
    let read = 0;
    await this.#until(`${events} events are read`, async () => {
      read = await this.progress();
      return read >= events;
    });
    return read;
  }

  /** Resolves once every lane has all of its events, as it is recorded. */
  async read(ends: readonly LaneEnd[]): Promise<void> {
    const given = [
      ends.map(({ lane }) => lane),
      ends.map(({ topic }) => topic),
      ends.map(({ partition }) => partition),
      ends.map(({ end }) => end),
    ];
    await this.#until('everything is read', async () => {
      const [row] = await this.db.query(
        `select count(*) as reached from progress p
          join unnest($1::int[], $2::text[], $3::int[], $4::bigint[])
            as log (lane, topic, partition, log_end)
            on log.lane = p.lane and log.topic = p.topic and log.partition = p.partition
          where p.next_offset >= log.log_end`,
        given,
      );
      return Number(row?.['reached']) === ends.length;
    });
  }

  /** Has one more member decide all that is left, alone, and end; then reads what the run left. */
  async outcome(): Promise<Outcome> {
    const member = await this.#stage.start(true);
    const { code, signal } = await member.ended;
    if (code !== 0) throw new Error(`${member.name} ended with ${code ?? signal}`);
    return await readMembersOutcome(this.db);
  }

  /** Throws where a member ended by itself. */
  check(): void {
    if (this.#failed.length > 0) throw new Error(`ended by themselves: ${this.#failed.join(', ')}`);
  }

  /** How often a member found that the database could not do something now: most often a lock that another had. */
  async transients(): Promise<number> {
    return (await this.#stage.logged()).split('"DATABASE_TRANSIENT"').length - 1;
  }

  /** Last lines of what members logged, for whoever must find out what went wrong. */
  async logTail(): Promise<string> {
    return await this.#stage.logTail(40);
  }

  /** Ends what still runs, and drops the database. */
  async close(): Promise<void> {
    for (const member of this.members) await this.lose(member, 'SIGKILL');
    await this.#stage.close();
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + PATIENCE_MS;
    while (!(await isSo())) {
      this.check();
      if (Date.now() > endMs) throw new Error(`waited too long until ${what}`);
      await sleep(POLL_MS);
    }
  }
}

/** Throws with everything that differs, where anything does. */
export function assertSame(what: string, alone: Outcome, other: Outcome): void {
  const found = Object.keys(alone).flatMap((name) =>
    differences(name, alone[name] ?? {}, other[name] ?? {}),
  );
  if (found.length > 0)
    throw new Error(`${what} differs from one member alone:\n${found.join('\n')}`);
}

function topicsOf(prefix: string): readonly string[] {
  return KINDS.map((kind) => `${prefix}${kind}`);
}
