/** Lane: hits in any order, sorted behind a watermark as the pipeline does it; slices and crashes. */
import { createCorrelations } from '../../../../src/detect/sigma/correlation/correlations.ts';
import {
  type CorrelationRule,
  readCorrelation,
} from '../../../../src/detect/sigma/correlation/definition.ts';
import type { Correlations, Firing, Hit } from '../../../../src/detect/sigma/correlation/hit.ts';
import { linkCorrelations } from '../../../../src/detect/sigma/correlation/link.ts';
import type { Kind } from '../../../../src/model/event.ts';
import { PAGES, Slots } from '../../../../src/state/slots.ts';

/** One event, as a test writes it. Times in seconds. */
export interface LaneEvent {
  readonly id: string;
  readonly at: number;
  /** Base rules that match it, in this order. */
  readonly rules: readonly string[];
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly source?: Kind;
  readonly agent?: string;
  readonly tenant?: string;
}

/** A stretch, in seconds, in which a source is blind. */
export interface Blindness {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  /** When it becomes known; default when it begins. */
  readonly known?: number;
}

/** What is to be run. */
export interface LaneOptions {
  readonly rules: readonly CorrelationRule[];
  /** Seconds that events may come out of order. */
  readonly lateness?: number;
  readonly blind?: readonly Blindness[];
  /** Answers before each event whether the process crashes there. */
  readonly crash?: () => boolean;
  /** Seconds of event time that pass after the last event. */
  readonly tail?: number;
}

/** What came out. */
export interface LaneResult {
  readonly firings: readonly Firing[];
  /** Firings that stand in the end, without those taken back. */
  readonly standing: readonly Firing[];
  readonly evicted: readonly string[];
  readonly undecided: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

const NOWHERE = { file: 'test', lineOf: () => null };

/** Reads and links documents; throws with every mistake. `bases`: rule → its source. */
export function rulesOf(
  documents: readonly object[],
  bases: Readonly<Record<string, Kind>>,
): readonly CorrelationRule[] {
  const read = documents.map((document) => readCorrelation(document, NOWHERE));
  const problems = read.flatMap((one) => [...one.problems]);
  const linked = linkCorrelations(
    read.flatMap(({ rule }) => (rule === null ? [] : [{ rule, where: NOWHERE }])),
    Object.entries(bases).map(([name, kind]) => ({ key: name, name, id: null, kinds: [kind] })),
    '',
  );
  problems.push(...linked.problems);
  if (problems.length > 0)
    throw new Error(problems.map(({ key, message }) => `${key}: ${message}`).join('\n'));
  return linked.rules;
}

/** The hit of one rule by an event. */
export function hitOf(event: LaneEvent, rule: string, late: boolean): Hit {
  const { fields = {}, source = 'gateway', agent = 'agent-1', tenant = '-' } = event;
  const ms = Math.round(event.at * 1000);
  return {
    rule,
    eventId: event.id,
    ms,
    late,
    tenant,
    field: (path) => (Object.hasOwn(fields, path) ? fields[path] : undefined),
    witness: {
      kind: source,
      topic: source,
      nativeId: event.id,
      at: { topic: source, partition: 0, offset: 0, index: 0 },
      ms,
      seq: null,
      agent,
      call: null,
      tool: '',
      digest: null,
      leaves: null,
    },
    entity: { tenant, agent, role: null, session: null },
  };
}

/** Runs events in the order in which they are given. */
export function runLane(events: readonly LaneEvent[], options: LaneOptions): LaneResult {
  const lane = new Lane(options);
  for (const event of events) lane.take(event);
  return lane.end();
}

/** Canonical order, as the pipeline has it: time, then identity. */
export function inOrder(a: LaneEvent, b: LaneEvent): number {
  return a.at !== b.at ? a.at - b.at : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

class Lane {
  readonly #options: LaneOptions;
  readonly #firings: Firing[] = [];
  readonly #evicted: string[] = [];
  readonly #undecided: string[] = [];
  readonly #seen = new Set<string>();
  readonly #marks: { ms: number; kind: Kind; fromMs: number; toMs: number | null }[];
  #slots = new Slots();
  #engine: Correlations;
  #buffer: LaneEvent[] = [];
  #newestMs = Number.NEGATIVE_INFINITY;
  #watermarkMs = Number.NEGATIVE_INFINITY;
  #nowMs = Number.NEGATIVE_INFINITY;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#engine = this.#create();
    this.#marks = (options.blind ?? [])
      .flatMap(({ kind, from, to, known = from }) => [
        { ms: known * 1000, kind, fromMs: from * 1000, toMs: null },
        { ms: to * 1000, kind, fromMs: from * 1000, toMs: to * 1000 },
      ])
      .sort((a, b) => a.ms - b.ms);
  }

  take(event: LaneEvent): void {
    if (this.#options.crash?.() === true) this.#crash();
    const ms = Math.round(event.at * 1000);
    if (this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    if (ms <= this.#watermarkMs) {
      this.#feed(event, true);
      return;
    }
    this.#buffer.push(event);
    this.#newestMs = Math.max(this.#newestMs, ms);
    this.#advance(this.#newestMs - (this.#options.lateness ?? 0) * 1000 - 1);
  }

  end(): LaneResult {
    this.#advance(Math.max(this.#newestMs, 0));
    this.#pass(this.#watermarkMs + (this.#options.tail ?? 100_000_000) * 1000);
    const gone = new Set(
      this.#firings.flatMap(({ id, retracts }) => (retracts === null ? [] : [id])),
    );
    return {
      firings: this.#firings,
      standing: this.#firings.filter(({ id, retracts }) => retracts === null && !gone.has(id)),
      evicted: this.#evicted,
      undecided: this.#undecided,
      counters: this.#engine.counters,
    };
  }

  #create(): Correlations {
    return createCorrelations(this.#options.rules, {
      slots: this.#slots,
      blind: (kind) =>
        (this.#options.blind ?? []).some(
          (one) =>
            one.kind === kind &&
            (one.known ?? one.from) * 1000 <= this.#nowMs &&
            this.#nowMs < one.to * 1000,
        ),
      evicted: (subject, detail) => this.#evicted.push(`${subject}: ${detail}`),
      undecided: (subject, detail) => this.#undecided.push(`${subject}: ${detail}`),
      fire: (firing) => this.#firings.push(firing),
    });
  }

  #advance(toMs: number): void {
    if (toMs <= this.#watermarkMs) return;
    this.#watermarkMs = toMs;
    const ripe = this.#buffer.filter(({ at }) => Math.round(at * 1000) <= toMs).sort(inOrder);
    this.#buffer = this.#buffer.filter(({ at }) => Math.round(at * 1000) > toMs);
    for (const event of ripe) {
      this.#pass(Math.round(event.at * 1000) - 1);
      this.#feed(event, false);
    }
    this.#pass(toMs);
  }

  #feed(event: LaneEvent, late: boolean): void {
    for (const rule of event.rules) this.#engine.hit(hitOf(event, rule, late));
  }

  /** Deadlines and the beginnings and ends of blindness, in the order of time. */
  #pass(ms: number): void {
    for (;;) {
      const mark = this.#marks[0];
      const dueMs = this.#engine.nextMs();
      if (mark !== undefined && mark.ms <= ms && mark.ms <= (dueMs ?? ms)) {
        this.#marks.shift();
        this.#nowMs = Math.max(this.#nowMs, mark.ms);
        this.#engine.gap({ kind: mark.kind, tenant: '-' }, mark.fromMs, mark.toMs, mark.ms);
      } else if (dueMs !== undefined && dueMs <= ms) {
        this.#nowMs = Math.max(this.#nowMs, dueMs);
        this.#engine.passTime(dueMs);
      } else break;
    }
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  /** Everything but what is stored is lost. */
  #crash(): void {
    const pages = Array.from({ length: PAGES }, (_, page) => ({
      page,
      uptoSeq: 0,
      bytes: this.#slots.pageBytes(page),
    }));
    this.#slots = new Slots();
    this.#slots.restore(pages, []);
    this.#engine = this.#create();
    for (const _ of this.#engine.restoring());
  }
}
