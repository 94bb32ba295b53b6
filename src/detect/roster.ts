/** Roster: which version of each detector has the say, and which one is still warming up. */
import {
  type Amendment,
  type Detection,
  MATURITIES,
  type Maturity,
  type Entity as Who,
} from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Turn } from '../model/effects.ts';
import type { Fact } from '../model/fact.ts';
import type { Entity } from '../state/slot.ts';
import { createDetect, type Detect, type DetectOptions, type DetectSink } from './detect.ts';
import { memoryMs } from './memory.ts';
import { scopeOf } from './sigma/scope.ts';

/** Detection whose detectors can be exchanged while it works. */
export interface Roster extends Detect {
  /**
   * Exchanges the detectors at event time `nowMs`. What only changed its prose or maturity does so at
   * once. A changed version warms up for as long as its answers look back; meanwhile the old one has
   * the say. Returns what turns, in the order of the stems.
   */
  reload(detectors: readonly Detector[], nowMs: number): readonly Turn[];
  /** `nowMs`: event time up to which the lane had got; versions it did not know begin there. */
  restoring(nowMs?: number | null): Generator<undefined, void>;
}

/** A detector that is being replaced. Plain JSON. */
interface Changing {
  readonly stem: string;
  /** The old version in full: its file is not there any more. */
  readonly old: Detector;
  /** Version that takes over. */
  readonly next: string;
  readonly untilMs: number;
  /** Whom the old version spoke of meanwhile, each once, the first SAID_MAX. */
  readonly said: string[];
  /** What the new version would have said meanwhile. */
  readonly held: Detection[];
}

interface Stored extends Entity {
  versions: Record<string, string>;
  changing: Changing[];
  /** By `stem@version`: event time before which the version was not there, ms. Absent: always was. */
  since: Record<string, number>;
}

const SPACE = 'H';
const KEY = 'roster';
/** Findings of a version that warms up; what goes beyond is counted and said. */
const HELD_MAX = 200;
/** Of whom an old version spoke. Beyond that a new one may tell again what was told; it misses nothing. */
const SAID_MAX = 2000;
/** Spaces of detectors, of kinds and of correlations; no other stage has a colon in its own. */
const OWNED = /^[A-Z]\d*:/;

/** Makes the roster; `detectors` have the say from the start. */
export function createRoster(detectors: readonly Detector[], options: DetectOptions): Roster {
  return new Exchange(detectors, options);
}

class Exchange implements Roster {
  readonly #options: DetectOptions;
  readonly #since = new Map<string, number>();
  /** `said` of each, to be asked fast. */
  readonly #spoken = new WeakMap<Changing, Set<string>>();
  /** As the files are now. */
  #given: readonly Detector[];
  #changing: Changing[] = [];
  /** Null until it is asked for: what a restored state says comes first, and compiling twice takes a while. */
  #compiled: Detect | null = null;
  #warming: Detect | null = null;
  /** What was counted by those that are compiled no more. */
  #counted: Readonly<Record<string, number>> = {};

  constructor(detectors: readonly Detector[], options: DetectOptions) {
    this.#options = { ...options, sinceMs: (scope) => this.#since.get(scope) };
    this.#given = detectors;
  }

  get #active(): Detect {
    this.#compiled ??= createDetect(this.#given, this.#options);
    return this.#compiled;
  }

  get detectors(): ReadonlyMap<string, Detector> {
    return this.#active.detectors;
  }

  get spaces(): readonly string[] {
    return [...this.#active.spaces, ...(this.#warming?.spaces ?? [])];
  }

  get counters(): Readonly<Record<string, number>> {
    const all = { ...this.#counted };
    for (const detect of [this.#compiled, this.#warming])
      for (const [name, value] of Object.entries(detect?.counters ?? {}))
        all[name] = (all[name] ?? 0) + value;
    return all;
  }

  see(fact: Fact, sink: DetectSink): void {
    if (this.#warming === null) {
      this.#active.see(fact, sink);
      return;
    }
    this.#active.see(fact, this.#noting(sink));
    this.#warming.see(fact, this.#holding);
  }

  nextMs(): number | undefined {
    // Asked twice an event: while nothing changes there is one to ask.
    if (this.#warming === null && this.#changing.length === 0) return this.#active.nextMs();
    const next = Math.min(
      this.#active.nextMs() ?? Number.POSITIVE_INFINITY,
      this.#warming?.nextMs() ?? Number.POSITIVE_INFINITY,
      ...this.#changing.map(({ untilMs }) => untilMs),
    );
    return Number.isFinite(next) ? next : undefined;
  }

  passTime(ms: number, sink: DetectSink): void {
    if (this.#warming === null) {
      this.#active.passTime(ms, sink);
      return;
    }
    this.#active.passTime(ms, this.#noting(sink));
    this.#warming.passTime(ms, this.#holding);
    const ripe = this.#changing.filter(({ untilMs }) => untilMs <= ms);
    if (ripe.length > 0) this.#takeOver(ripe, sink);
  }

  *restoring(nowMs: number | null = null): Generator<undefined, void> {
    const stored = this.#options.slots.get<Stored>(SPACE, KEY);
    this.#since.clear();
    for (const [scope, ms] of Object.entries(stored?.since ?? {})) this.#since.set(scope, ms);
    const versions = new Map(this.#given.map(({ stem, version }) => [stem, version]));
    // A replacement goes on where the file still holds the version that was to take over.
    this.#changing = (stored?.changing ?? []).filter(
      ({ stem, next }) => versions.get(stem) === next,
    );
    // Another version than the one that ran has heard nothing of what was.
    if (stored !== undefined && nowMs !== null)
      for (const one of this.#inForce())
        if (stored.versions[one.stem] !== one.version) this.#since.set(scopeOf(one), nowMs);
    this.#compile();
    yield* this.#active.restoring();
    if (this.#warming !== null) yield* this.#warming.restoring();
    if (stored === undefined || this.#isNews(stored)) this.#store();
    this.#dropOrphans();
  }

  reload(detectors: readonly Detector[], nowMs: number): readonly Turn[] {
    // Compiling anew over a large state holds everything up: not for a file that was only touched.
    if (isSame(this.#given, detectors)) return [];
    const before = new Map(this.#inForce().map((one) => [one.stem, one]));
    const known = new Map(this.#changing.map((one) => [one.stem, one]));
    const turns: Turn[] = [];
    const changing: Changing[] = [];
    for (const next of detectors) {
      const old = before.get(next.stem);
      const under = known.get(next.stem);
      if (old !== undefined && old.version === next.version) continue;
      if (under?.next !== next.version) this.#since.set(scopeOf(next), nowMs);
      if (old === undefined) {
        turns.push({ stem: next.stem, from: null, to: next.version, untilMs: nowMs });
        continue;
      }
      if (under !== undefined && under.next === next.version) {
        changing.push(under);
        continue;
      }
      const untilMs = nowMs + memoryMs(next);
      turns.push({ stem: next.stem, from: old.version, to: next.version, untilMs });
      const one = { stem: next.stem, old, next: next.version, untilMs };
      if (untilMs > nowMs) changing.push({ ...one, said: [], held: [] });
    }
    const stems = new Set(detectors.map(({ stem }) => stem));
    for (const { stem, version } of before.values())
      if (!stems.has(stem)) turns.push({ stem, from: version, to: null, untilMs: nowMs });
    this.#given = detectors;
    this.#changing = changing;
    this.#compile();
    this.#rebuild();
    this.#store();
    this.#dropOrphans();
    return turns.sort((a, b) => (a.stem < b.stem ? -1 : 1));
  }

  /** The versions that have the say. What a file takes from a detector its old version loses at once. */
  #inForce(): readonly Detector[] {
    const old = new Map(this.#changing.map((one) => [one.stem, one.old]));
    return this.#given.map((one) => {
      const before = old.get(one.stem);
      if (before === undefined) return one;
      return { ...before, maturity: lesser(before.maturity, one.maturity) };
    });
  }

  #compile(): void {
    this.#counted = this.counters;
    const stems = new Set(this.#changing.map(({ stem }) => stem));
    this.#compiled = createDetect(
      this.#changing.length === 0 ? this.#given : this.#inForce(),
      this.#options,
    );
    const next = this.#given.filter(({ stem }) => stems.has(stem));
    this.#warming = next.length === 0 ? null : createDetect(next, this.#options);
  }

  /** Derived state of what was compiled anew; entities stay as they are. */
  #rebuild(): void {
    for (const detect of [this.#compiled, this.#warming]) {
      if (detect === null) continue;
      const steps = detect.restoring();
      while (steps.next().done !== true);
    }
  }

  /** New versions take over; what they alone saw meanwhile is said now, so that nothing is missed. */
  #takeOver(ripe: readonly Changing[], sink: DetectSink): void {
    this.#changing = this.#changing.filter((one) => !ripe.includes(one));
    this.#compile();
    this.#rebuild();
    this.#store();
    this.#dropOrphans();
    for (const { said, held } of ripe) {
      const spoken = new Set(said);
      for (const detection of held) {
        if (spoken.has(whoOf(detection.entity))) continue;
        // What it was found with may have been taken from the detector since.
        const now = this.#active.detectors.get(detection.detector)?.maturity ?? 'shadow';
        sink.detection({ ...detection, maturity: lesser(detection.maturity, now) });
      }
    }
  }

  /** Passes on what the old versions say, and remembers whom they spoke of. */
  #noting(sink: DetectSink): DetectSink {
    return {
      detection: (detection) => {
        const one = this.#changing.find(({ stem }) => stem === detection.detector);
        if (one !== undefined) this.#note(one, detection);
        sink.detection(detection);
      },
      amendment: (amendment, entity) => sink.amendment(amendment, entity),
    };
  }

  #note(one: Changing, { entity, decidedMs }: Detection): void {
    let spoken = this.#spoken.get(one);
    if (spoken === undefined) {
      spoken = new Set(one.said);
      this.#spoken.set(one, spoken);
    }
    const who = whoOf(entity);
    if (spoken.has(who)) return;
    if (spoken.size >= SAID_MAX) {
      const detail = 'an old version spoke of more than is kept; what it told may be told again';
      this.#options.evicted(one.stem, detail, decidedMs);
      return;
    }
    spoken.add(who);
    one.said.push(who);
    this.#touch();
  }

  /** Keeps what the new versions would say. */
  readonly #holding: DetectSink = {
    detection: (detection) => {
      const one = this.#changing.find(({ stem }) => stem === detection.detector);
      if (one === undefined) return;
      if (one.held.length >= HELD_MAX) {
        const detail =
          'a new version warming up found more than is kept; it speaks when it takes over';
        this.#options.evicted(one.stem, detail, detection.decidedMs);
        return;
      }
      one.held.push(detection);
      this.#touch();
    },
    amendment: (amendment: Amendment) => {
      if (amendment.type !== 'retracted') return;
      for (const { held } of this.#changing) {
        const at = held.findIndex(({ id }) => id === amendment.detectionId);
        if (at >= 0) held.splice(at, 1);
      }
      this.#touch();
    },
  };

  #isNews(stored: Stored): boolean {
    if (stored.changing.length !== this.#changing.length) return true;
    const list = this.#inForce();
    return (
      Object.keys(stored.versions).length !== list.length ||
      list.some(({ stem, version }) => stored.versions[stem] !== version)
    );
  }

  #store(): void {
    const versions = Object.fromEntries(
      this.#inForce().map(({ stem, version }) => [stem, version]),
    );
    const live = new Set([...this.#inForce(), ...this.#given].map(scopeOf));
    for (const scope of this.#since.keys()) if (!live.has(scope)) this.#since.delete(scope);
    const since = Object.fromEntries(this.#since);
    const stored: Stored = { versions, changing: this.#changing, since };
    this.#options.slots.put(SPACE, KEY, stored);
  }

  #touch(): void {
    this.#options.slots.touch(SPACE, KEY);
  }

  /** State of versions that are gone is let go of. */
  #dropOrphans(): void {
    const { slots } = this.#options;
    const live = new Set(this.spaces);
    for (const space of slots.spaces())
      if (OWNED.test(space) && !live.has(space)) slots.drop(space);
  }
}

/** Do they say the same? Documents are in the version. */
function isSame(one: readonly Detector[], other: readonly Detector[]): boolean {
  const text = (list: readonly Detector[]) =>
    JSON.stringify(list.map(({ sigma: _, ...rest }) => rest));
  return one.length === other.length && text(one) === text(other);
}

function lesser(one: Maturity, other: Maturity): Maturity {
  return MATURITIES.indexOf(one) <= MATURITIES.indexOf(other) ? one : other;
}

function whoOf({ tenant, agent, session }: Who): string {
  return JSON.stringify([tenant, agent, session]);
}
