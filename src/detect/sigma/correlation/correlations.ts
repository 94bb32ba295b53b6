/** Correlations: hands hits to those that want them, chains them, and lets event time pass. */
import { Agenda } from '../../../state/agenda.ts';
import { PAGES } from '../../../state/page.ts';
import type { CorrelationRule } from './definition.ts';
import { noteGap } from './gaps.ts';
import type { Book, CorrelationContext, Correlations, Firing, Hit } from './hit.ts';
import type { Restored } from './store.ts';
import type { GroupHead } from './stored.ts';
import { type ChainedHit, Unit } from './unit.ts';

interface Base {
  readonly unit: Unit;
  readonly place: number;
}

interface Due {
  readonly at: number;
  readonly unit: Unit;
  /** Of the group. */
  readonly key: string;
  /** In place of a group: all that were restored on a page. */
  readonly page: RestoredPage | null;
}

/** Groups of a page that were restored, and are not looked at one by one before the first of them is due. */
interface RestoredPage {
  readonly number: number;
  /** When the last of them is due, ms; what is due later came later, and waits by itself. */
  readonly lastMs: number;
}

/** How much of event time a page is looked through for at once, ms. */
const AHEAD_MS = 300_000;

const STEP_ENTITIES = 10_000;

/** Makes correlations over linked definitions. Their state lies in spaces of its own in `slots`. */
export function createCorrelations(
  definitions: readonly CorrelationRule[],
  context: CorrelationContext,
): Correlations {
  return new Engine(definitions, context);
}

class Engine implements Correlations {
  readonly #context: CorrelationContext;
  readonly #units: readonly Unit[];
  readonly #bySpace = new Map<string, Unit>();
  readonly #byBase = new Map<string, Base[]>();
  /** Bases come before what is built on them: the name of a space begins with its depth. */
  readonly #due = new Agenda<Due>(
    isBefore,
    ({ at, unit, key, page }) => page !== null || unit.store.dueMsOf(key) === at,
  );
  readonly counters: Record<string, number> = {};

  constructor(definitions: readonly CorrelationRule[], context: CorrelationContext) {
    this.#context = context;
    const known = new Map<string, Unit>();
    const units: Unit[] = [];
    for (const { rule, depth } of inOrder(definitions)) {
      const isOnRetractable = rule.bases.some((key) => known.get(key)?.isRetractable === true);
      const unit = new Unit(rule, depth, isOnRetractable, {
        ...context,
        count: (name) => this.#count(name),
        wake: (one, key, at) => this.#due.push({ at, unit: one, key, page: null }),
        fire: (firing) => this.#fired(rule, firing),
      });
      known.set(rule.key, unit);
      units.push(unit);
      this.#bySpace.set(unit.store.space, unit);
      rule.bases.forEach((key, place) => {
        const list = this.#byBase.get(key);
        if (list === undefined) this.#byBase.set(key, [{ unit, place }]);
        else list.push({ unit, place });
      });
    }
    this.#units = units;
  }

  get spaces(): readonly string[] {
    return [...this.#bySpace.keys()];
  }

  hit(hit: Hit): void {
    const bases = this.#byBase.get(hit.rule);
    if (bases !== undefined) for (const { unit, place } of bases) unit.take(hit, place);
  }

  nextMs(): number | undefined {
    return this.#due.peek()?.at;
  }

  passTime(ms: number): void {
    for (let top = this.#due.peek(); top !== undefined && top.at <= ms; top = this.#due.peek()) {
      this.#due.pop();
      if (top.page === null) top.unit.pass(top.key, top.at);
      else this.#look(top.unit, top.page, top.at);
    }
  }

  gap(book: Book, fromMs: number, toMs: number | null, decidedMs: number): void {
    if (this.#units.length === 0) return;
    noteGap(this.#context.slots, book, fromMs, toMs);
    for (const unit of this.#units) unit.gap(book, fromMs, toMs ?? decidedMs, decidedMs);
  }

  *restoring(): Generator<undefined, void> {
    const due: Due[] = [];
    let seen = 0;
    for (const [space, unit] of this.#bySpace) {
      const groups: Restored[] = [];
      const pages = unit.store.size === 0 ? 0 : PAGES;
      for (let page = 0; page < pages; page += 1) {
        const before = groups.length;
        let firstMs = Number.POSITIVE_INFINITY;
        let lastMs = 0;
        for (const found of this.#context.slots.headsOn(space, page)) {
          const group = found as readonly [string, unknown] as Restored;
          const dueMs = group[1][5];
          groups.push(group);
          if (dueMs !== 0 && dueMs < firstMs) firstMs = dueMs;
          if (dueMs > lastMs) lastMs = dueMs;
        }
        if (lastMs > 0) due.push({ at: firstMs, unit, key: '', page: { number: page, lastMs } });
        seen += groups.length - before;
        if (seen < STEP_ENTITIES) continue;
        seen = 0;
        yield;
      }
      unit.adopt(groups);
    }
    this.#due.fill(due);
  }

  /** Time reached the first of a page's restored groups: it and those soon after it wait by themselves. */
  #look(unit: Unit, page: RestoredPage, ms: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, head] of this.#context.slots.headsOn(unit.store.space, page.number)) {
      const at = (head as GroupHead)[5];
      if (at < ms || at > page.lastMs) continue;
      if (at <= ms + AHEAD_MS) this.#due.push({ at, unit, key, page: null });
      else nextMs = Math.min(nextMs, at);
    }
    if (nextMs <= page.lastMs) this.#due.push({ at: nextMs, unit, key: '', page });
  }

  /** Hands a firing out, then to the correlations that are built on this one. */
  #fired(rule: CorrelationRule, firing: Firing): void {
    this.#context.fire(firing);
    const above = this.#byBase.get(rule.key);
    if (above === undefined) return;
    const hit = hitOf(firing);
    for (const { unit, place } of above)
      if (firing.retracts === null) unit.take(hit, place);
      else unit.forget(hit, place, `${rule.name}, which it rests on, was taken back`);
  }

  #count(name: string): void {
    this.counters[name] = (this.counters[name] ?? 0) + 1;
  }
}

function isBefore(a: Due, b: Due): boolean {
  if (a.at !== b.at) return a.at < b.at;
  // Who is due at that time on a page is among the others only when it was looked through.
  if ((a.page === null) !== (b.page === null)) return a.page !== null;
  const [one, other] = [a.unit.store.space, b.unit.store.space];
  if (one !== other) return one < other;
  if (a.page !== null && b.page !== null) return a.page.number < b.page.number;
  return a.key < b.key;
}

/** A firing as a hit: it happens when it is decided, and its fields are those of its group. */
function hitOf(firing: Firing): ChainedHit {
  const { correlation, id, decidedMs, late, tenant, by, entity, evidence } = firing;
  return {
    rule: correlation,
    eventId: id,
    ms: decidedMs,
    late,
    tenant,
    field: (path) => (Object.hasOwn(by, path) ? by[path] : undefined),
    witness: (evidence.at(-1) as Firing['evidence'][number]).witness,
    entity,
    from: evidence,
  };
}

/** Bases before what is built on them, otherwise by key; with how many stand below each. */
function inOrder(
  definitions: readonly CorrelationRule[],
): readonly { rule: CorrelationRule; depth: number }[] {
  const byKey = new Map(definitions.map((rule) => [rule.key, rule]));
  const depths = new Map<string, number>();
  const depthOf = (key: string): number => {
    const rule = byKey.get(key);
    if (rule === undefined) return -1;
    const known = depths.get(key);
    if (known !== undefined) return known;
    const depth = Math.max(...rule.bases.map(depthOf)) + 1;
    depths.set(key, depth);
    return depth;
  };
  return definitions
    .map((rule) => ({ rule, depth: depthOf(rule.key) }))
    .sort((a, b) => a.depth - b.depth || (a.rule.key < b.rule.key ? -1 : 1));
}
