/** Behaviour: follows every open unit and says how strange it is, by the baseline in force. */
import type { Kind } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import type { EventFact, Fact, SessionView, WitnessRecord } from '../model/fact.ts';
import type { Reading, UnitReading } from '../model/reading.ts';
import type { UnitHead, UnitItem } from '../model/unit.ts';
import type { LearningWindow } from '../model/window.ts';
import { Agenda } from '../state/agenda.ts';
import { naming } from '../state/names.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import type { InForceProfile, Profiles } from './in-force.ts';
import { headOf, itemsOf } from './items.ts';
import {
  beginUnit,
  jointOf,
  type OpenUnit,
  scoresOf,
  sentencesOf,
  take,
  UNIT_FORM,
  witnessOf,
} from './open-unit.ts';
import { createOpenWindows, type OpenWindows, WINDOWS } from './open-windows.ts';
import { dueOf, type Span, UNIT_ACTIONS } from './unit-bounds.ts';

/** What the stage needs besides its state. */
export interface BehaviourOptions {
  readonly inventory: Inventory;
  /** Is this book of a tenant known to be blind at the moment? */
  readonly blind: (kind: Kind, tenant: string) => boolean;
  /** Told of every window that a signed change opens. */
  readonly opened?: (window: LearningWindow) => void;
  /** Says that a bound was reached. */
  readonly evicted: (subject: string, detail: string, ms: number) => void;
  /** Units followed at once. Default 100,000. */
  readonly maxUnits?: number;
}

/** Receives readings in the order they become known. */
export type ReadingSink = (reading: UnitReading) => void;

/** The stage. All times are event time, ms. */
export interface Behaviour {
  /** Takes what correlation states; readings come of calls, and of units that are full. */
  see(fact: Fact, sink: ReadingSink): void;
  /** When the next unit may be over; undefined: none is open. */
  nextMs(): number | undefined;
  /** Closes what is over at `ms`, oldest first. */
  passTime(ms: number, sink: ReadingSink): void;
  /** Every stream has ended at `ms`: closes every unit. */
  finish(ms: number, sink: ReadingSink): void;
  /** Learning windows that signed changes opened and that are open at `ms` for the tenant's agent or role. */
  windows(
    tenant: string,
    agent: string,
    role: string | null,
    ms: number,
  ): readonly LearningWindow[];
  /** Rebuilds, step by step, what is derived from the entities. */
  restoring(): Generator<undefined, void>;
  readonly counters: Readonly<Record<string, number>>;
}

/** A session that is followed. Plain JSON. */
interface Followed extends Entity, Span {
  view: SessionView;
  head: UnitHead;
  /** When it is looked at again. */
  dueMs: number;
  /** What is known of the unit; null between units. */
  unit: OpenUnit | null;
}

const SPACE = 'U';
const UNITS_MAX = 100_000;
/** A closed session is remembered so long, that what comes late is not scored anew. */
const REMEMBER_MS = 86_400_000;
const STEP_ENTITIES = 10_000;
/** Books without which the score of the whole says nothing. */
const WHOLE: readonly Kind[] = ['governance', 'reasoning', 'gateway'];

/** Makes the stage over `slots`; its own space is `U`. */
export function createBehaviour(
  slots: Slots,
  profiles: Profiles,
  options: BehaviourOptions,
): Behaviour {
  return new Follower(slots, profiles, options);
}

class Follower implements Behaviour {
  readonly #slots: Slots;
  readonly #profiles: Profiles;
  readonly #options: BehaviourOptions;
  readonly #windows: OpenWindows;
  readonly #byHash: ReadonlyMap<string, InForceProfile>;
  readonly #due = new Agenda<{ readonly at: number; readonly key: string }>(
    (a, b) => (a.at !== b.at ? a.at < b.at : a.key < b.key),
    ({ at, key }) => this.#slots.get<Followed>(SPACE, key)?.dueMs === at,
  );
  /** Sessions by agent, for what governance says of the agent. */
  readonly #ofAgent = new Map<string, Set<string>>();
  readonly counters: Record<string, number> = {};

  constructor(slots: Slots, profiles: Profiles, options: BehaviourOptions) {
    this.#slots = slots;
    this.#profiles = profiles;
    this.#options = options;
    this.#windows = createOpenWindows(slots);
    this.#byHash = new Map(profiles.all.map((one) => [one.hash, one]));
  }

  see(fact: Fact, sink: ReadingSink): void {
    const window = fact.type === 'event' ? this.#windows.see(fact) : null;
    if (window !== null) this.#options.opened?.(window);
    if (this.#profiles.all.length === 0) {
      if (fact.type === 'event' && fact.event.category === 'tool_call')
        this.#count('baseline.missing');
      return;
    }
    if (fact.type === 'blind-session') this.#blinded(fact.session, fact.book);
    if (fact.type !== 'event') return;
    if (fact.session === null) {
      if (fact.event.kind === 'governance') this.#ofAllSessions(fact, sink);
    } else this.#event(fact, fact.session, sink);
  }

  nextMs(): number | undefined {
    return this.#due.peek()?.at;
  }

  passTime(ms: number, sink: ReadingSink): void {
    for (let top = this.#due.peek(); top !== undefined && top.at <= ms; top = this.#due.peek()) {
      this.#due.pop();
      const own = this.#slots.get<Followed>(SPACE, top.key);
      if (own === undefined || own.dueMs !== top.at) continue;
      own.dueMs = 0;
      const due = dueOf(own);
      if (own.unit !== null && due > top.at) this.#wake(top.key, own, due);
      else if (own.unit !== null) {
        this.#close(top.key, own, top.at, sink);
        this.#wake(top.key, own, own.lastMs + REMEMBER_MS);
      } else if (own.lastMs + REMEMBER_MS <= top.at) this.#forget(top.key, own);
      else this.#wake(top.key, own, own.lastMs + REMEMBER_MS);
    }
  }

  finish(ms: number, sink: ReadingSink): void {
    const open: [string, Followed][] = [];
    for (const [key, entity] of this.#slots.entities(SPACE))
      if ((entity as Followed).unit !== null) open.push([key, entity as Followed]);
    open.sort(([x, a], [y, b]) => dueOf(a) - dueOf(b) || (x < y ? -1 : 1));
    for (const [key, own] of open) {
      this.#close(key, own, Math.min(ms, dueOf(own)), sink);
      this.#slots.touch(SPACE, key);
    }
  }

  windows(
    tenant: string,
    agent: string,
    role: string | null,
    ms: number,
  ): readonly LearningWindow[] {
    return this.#windows.openFor(tenant, agent, role, ms);
  }

  *restoring(): Generator<undefined, void> {
    this.#ofAgent.clear();
    this.#windows.clear();
    const due: { at: number; key: string }[] = [];
    for (const [, entity] of this.#slots.entities(WINDOWS)) this.#windows.adopt(entity);
    for (const [key, entity] of this.#slots.entities(SPACE)) {
      const own = entity as Followed;
      this.#enrol(key, own.head);
      due.push({ at: own.dueMs, key });
      if (due.length % STEP_ENTITIES === 0) yield;
    }
    this.#due.fill(due);
  }

  #event(fact: EventFact, session: SessionView, sink: ReadingSink): void {
    const key = keyOf(session.tenant, session.id);
    const ms = fact.event.time.eventMs;
    const known = this.#slots.get<Followed>(SPACE, key);
    if (fact.late && known !== undefined && known.unit === null) {
      this.#count('baseline.late');
      return;
    }
    const own = known ?? this.#follow(key, fact, session);
    // A copy: what correlation learns later of the session comes as a fact of its own.
    own.view = { ...session, blind: [...session.blind] };
    if (fact.event.governance?.change === 'session.opened') this.#opened(key, own, fact, session);
    if (own.unit !== null && ms > dueOf(own)) this.#close(key, own, ms, sink);
    for (const item of itemsOf(fact, this.#options.inventory))
      this.#item(key, own, fact, item, sink);
    if (fact.event.governance?.change === 'session.closed' && own.closedMs === null) {
      own.closedMs = ms;
      this.#wake(key, own, dueOf(own));
    }
    this.#slots.touch(SPACE, key);
  }

  /** What governance says of an agent concerns all that it has open. */
  #ofAllSessions(fact: EventFact, sink: ReadingSink): void {
    const ms = fact.event.time.eventMs;
    for (const key of this.#ofAgent.get(keyOf(fact.tenant, fact.agent)) ?? []) {
      const own = this.#slots.get<Followed>(SPACE, key);
      if (own === undefined || own.unit === null || ms > dueOf(own)) continue;
      for (const item of itemsOf(fact, this.#options.inventory))
        this.#item(key, own, fact, item, sink);
      this.#slots.touch(SPACE, key);
    }
  }

  #follow(key: string, fact: EventFact, session: SessionView): Followed {
    if (this.#slots.count(SPACE) >= (this.#options.maxUnits ?? UNITS_MAX))
      this.#evict(fact.event.time.eventMs);
    const ms = fact.event.time.eventMs;
    const head = headOf(fact, session);
    const own: Followed = { ...spanAt(ms), view: session, head, dueMs: 0, unit: null };
    this.#slots.put(SPACE, key, own);
    this.#wake(key, own, dueOf(own));
    this.#enrol(key, head);
    return own;
  }

  /** Governance tells what the session is about: a unit that has not acted yet begins anew. */
  #opened(key: string, own: Followed, fact: EventFact, session: SessionView): void {
    this.#ofAgent.get(keyOf(own.head.tenant, own.head.agent))?.delete(key);
    own.head = headOf(fact, session);
    this.#enrol(key, own.head);
    if (own.unit !== null && own.unit.actions === 0) own.unit = null;
  }

  #item(key: string, own: Followed, fact: EventFact, item: UnitItem, sink: ReadingSink): void {
    if (own.unit === null) {
      const profile = this.#profiles.of(own.head);
      if (profile === null) {
        if (item.type === 'call') this.#count('baseline.missing');
        return;
      }
      Object.assign(own, spanAt(item.ms));
      own.unit = beginUnit(own.head, profile, item.ms);
      this.#wake(key, own, dueOf(own));
    }
    own.lastMs = Math.max(own.lastMs, item.ms);
    const { unit } = own;
    const profile = this.#profileOf(unit);
    // The baseline changed under the unit, or how units are remembered: what was means nothing any more.
    if (profile === undefined) {
      own.unit = null;
      this.#count('baseline.replaced');
      return;
    }
    const witness = item.type === 'call' ? witnessOf(fact, item) : null;
    take(unit, profile, item, witness, fact.late);
    if (item.type !== 'call' || item.ours || witness === null) return;
    unit.actions += 1;
    this.#count('baseline.calls');
    const isFull = unit.actions >= UNIT_ACTIONS;
    sink(this.#reading(own, unit, profile, { ms: item.ms, isClosed: false, witness }));
    if (isFull) this.#close(key, own, item.ms, sink);
  }

  #close(key: string, own: Followed, decidedMs: number, sink: ReadingSink): void {
    const { unit } = own;
    own.unit = null;
    own.closedMs = null;
    this.#slots.touch(SPACE, key);
    if (unit === null || unit.witness === null || unit.actions === 0) return;
    const profile = this.#profileOf(unit);
    if (profile === undefined) return;
    this.#count('baseline.units');
    const { witness } = unit;
    sink(this.#reading(own, unit, profile, { ms: decidedMs, isClosed: true, witness }));
  }

  #reading(
    own: Followed,
    unit: OpenUnit,
    profile: InForceProfile,
    at: { readonly ms: number; readonly isClosed: boolean; readonly witness: WitnessRecord },
  ): UnitReading {
    const { head, view } = own;
    const blind = new Set<Kind>([...unit.blind, ...view.blind]);
    for (const kind of WHOLE) if (this.#options.blind(kind, head.tenant)) blind.add(kind);
    const outOfForce = (name: string) => {
      // A role that knew only the old model or prompt would cry drift just as the agent's own profile
      // would; the level above has another scale. So what a change names says nothing meanwhile.
      return this.#windows.stance(head, name, at.ms) !== 'enforced';
    };
    const { seen } = unit;
    const scores = scoresOf(unit, profile, at.isClosed).map((score, index) => {
      const { dimension } = profile.dimensions[index] as InForceProfile['dimensions'][number];
      const isBlind = blind.has(dimension.source) || blind.has('gateway');
      return isBlind || outOfForce(dimension.name) ? null : score;
    });
    const dimensions = profile.dimensions.map(
      ({ dimension: { name, source, needs } }, index): Reading => ({
        dimension: name,
        source,
        cell: `${needs}/${seen}`,
        score: scores[index] ?? null,
      }),
    );
    const isWhole = !WHOLE.some((kind) => blind.has(kind)) && !outOfForce(profile.jointName);
    return {
      session: view,
      unit: unit.id,
      baseline: profile.name,
      readings: {
        ms: at.ms,
        dimensions,
        joint: isWhole ? jointOf(unit, profile, seen, scores, at.isClosed) : null,
      },
      isClosed: at.isClosed,
      decidedMs: at.ms,
      late: unit.isLate,
      witness: at.witness,
      because: (names) => sentencesOf(unit, profile, names),
    };
  }

  #blinded(session: SessionView, book: Kind): void {
    const key = keyOf(session.tenant, session.id);
    const own = this.#slots.get<Followed>(SPACE, key);
    if (own === undefined || own.unit === null || own.unit.blind.includes(book)) return;
    own.unit.blind.push(book);
    this.#slots.touch(SPACE, key);
  }

  #wake(key: string, own: Followed, at: number): void {
    if (own.dueMs !== 0 && own.dueMs <= at) return;
    own.dueMs = at;
    this.#due.push({ at, key });
    this.#slots.touch(SPACE, key);
  }

  #enrol(key: string, { tenant, agent }: UnitHead): void {
    const name = keyOf(tenant, agent);
    const held = this.#ofAgent.get(name);
    if (held === undefined) this.#ofAgent.set(name, new Set([key]));
    else held.add(key);
  }

  #forget(key: string, own: Followed): void {
    const name = keyOf(own.head.tenant, own.head.agent);
    const held = this.#ofAgent.get(name);
    held?.delete(key);
    if (held?.size === 0) this.#ofAgent.delete(name);
    this.#slots.remove(SPACE, key);
  }

  /** Sampled eviction: sessions between units first, then units of a single call, the stalest of each. */
  #evict(ms: number): void {
    let victim: [string, Followed] | undefined;
    for (const candidate of this.#slots.sample<Followed>(SPACE, 32))
      if (victim === undefined || isLess(candidate[1], victim[1])) victim = candidate;
    if (victim === undefined) return;
    const [key, own] = victim;
    if (own.unit !== null)
      this.#options.evicted('open-units', 'an open unit was let go of: too many sessions', ms);
    this.#count('baseline.evicted');
    this.#forget(key, own);
  }

  #profileOf({ basis, form }: OpenUnit): InForceProfile | undefined {
    return form === UNIT_FORM ? this.#byHash.get(basis) : undefined;
  }

  #count(name: string): void {
    this.counters[name] = (this.counters[name] ?? 0) + 1;
  }
}

function isLess(one: Followed, other: Followed): boolean {
  const rank = ({ unit }: Followed) => (unit === null ? 0 : unit.actions < 2 ? 1 : 2);
  const by = rank(one) - rank(other);
  return by === 0 ? one.lastMs < other.lastMs : by < 0;
}

function spanAt(ms: number): Span {
  return { firstMs: ms, lastMs: ms, closedMs: null };
}

const keyOf = naming((tenant, id) => `${tenant.length}:${tenant}:${id}`);
