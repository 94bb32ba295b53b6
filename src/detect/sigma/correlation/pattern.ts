/** Pattern: rules that occur together or in order, and others that must stay away. */
import type { CorrelationRule } from './definition.ts';
import type { Conjunct } from './expression.ts';
import { appended, type Group, lateReachMs, type Stretch, withItem } from './group.ts';
import { type Hit, isSameEvent, type KeptHit } from './hit.ts';
import { HOLD_MAX_MS, HOLD_STEP_MS, type Machine, type Taken, type Tools } from './machine.ts';
import { type Occurrence, occurrence, orderedOccurrence, Seen } from './search.ts';

/** An occurrence whose absences are not decided yet. */
interface Pending {
  readonly conjunct: number;
  readonly hits: readonly KeptHit[];
  readonly timeMs: number;
  readonly minMs: number;
  readonly uncertain: boolean;
  readonly late: boolean;
  readonly empty: readonly Stretch[];
  /** When it is looked at, and when it is given up, ms. */
  lookMs: number;
  readonly giveUpMs: number;
}

/** State of one group. */
interface Own {
  /** In canonical order; as far back as an occurrence or an absence may reach. */
  seen: readonly Seen[];
  pending: readonly Pending[];
  /** The condition of the running episode holds until then, ms. */
  trueUntilMs: number;
  /** Only an uncertain order has fired in the running episode. */
  onlyUncertain: boolean;
  /** Where the current session began. */
  startMs: number | null;
}

const NO_SEEN: readonly Seen[] = [];
const NO_PENDING: readonly Pending[] = [];

/** Hits remembered of each rule of a group. */
const SEEN_MAX = 32;
const PENDING_MAX = 64;

/** The machine of conditions over rules. `inOrder`: the rules must occur in their order. */
export function pattern(rule: CorrelationRule, tools: Tools, inOrder: boolean): Machine {
  return new Pattern(rule, tools, inOrder);
}

class Pattern implements Machine {
  readonly #rule: CorrelationRule;
  readonly #tools: Tools;
  readonly #conjuncts: readonly Conjunct[];
  readonly #inOrder: boolean;
  readonly reachMs: number;

  constructor(rule: CorrelationRule, tools: Tools, inOrder: boolean) {
    this.#rule = rule;
    this.#tools = tools;
    this.#inOrder = inOrder;
    this.#conjuncts = rule.conjuncts ?? [];
    const isNegated = this.#conjuncts.some(({ absent }) => absent.length > 0);
    const lateMs = lateReachMs(rule.timespanMs);
    this.reachMs = rule.timespanMs * (isNegated ? 2 : 1) + lateMs;
  }

  create(): Own {
    return {
      seen: NO_SEEN,
      pending: NO_PENDING,
      trueUntilMs: 0,
      onlyUncertain: false,
      startMs: null,
    };
  }

  valueOf(): number {
    return 1;
  }

  hit(group: Group, { hit, kept, place, late }: Taken): void {
    const own = group.own as Own;
    const { ms } = hit;
    if (isSeen(own.seen, hit, place, ms)) return;
    const one = new Seen(place, kept);
    this.#cut(own, group, ms, late);
    // What comes in order comes last.
    own.seen = late ? withItem(own.seen, one) : appended(own.seen, one);
    this.#bound(group, own, place, ms);
    this.#spoil(group, own, one, late);
    const here = own.seen.lastIndexOf(one);
    if (here < 0) {
      this.#tools.undecided(group, 'a late event lies before all that is held', ms);
      return;
    }
    this.#completedBy(group, own, here, late);
    if (!late) return;
    // A late hit may be part of what later ones completed.
    for (let next = here + 1; next < own.seen.length; next += 1) {
      if ((own.seen[next] as Seen).ms >= ms + this.#rule.timespanMs) break;
      this.#completedBy(group, own, next, true, one);
    }
  }

  pass(group: Group, ms: number): void {
    const own = group.own as Own;
    for (;;) {
      let first: Pending | undefined;
      for (const one of own.pending)
        if (one.lookMs <= ms && (first === undefined || one.lookMs < first.lookMs)) first = one;
      if (first === undefined) return;
      this.#decide(group, own, first, Math.max(first.lookMs, first.timeMs));
    }
  }

  dueOf(group: Group): number | null {
    let dueMs: number | null = null;
    for (const { lookMs } of (group.own as Own).pending)
      if (dueMs === null || lookMs < dueMs) dueMs = lookMs;
    return dueMs;
  }

  forget(group: Group, { hit }: Taken): void {
    const own = group.own as Own;
    own.seen = own.seen.filter(({ kept }) => !isSameEvent(kept, hit));
    own.pending = own.pending.filter(({ hits }) => !hits.some((one) => isSameEvent(one, hit)));
  }

  progress(group: Group): number {
    const { seen } = group.own as Own;
    let best = 0;
    for (const conjunct of this.#conjuncts) {
      let count = 0;
      for (const place of conjunct.seen) if (holds(seen, place)) count += 1;
      best = Math.max(best, count / conjunct.seen.length);
    }
    return best;
  }

  /** Lets go of what no window reaches any more; a window with an end begins anew. */
  #cut(own: Own, group: Group, ms: number, late: boolean): void {
    const { window, timespanMs, gapMs } = this.#rule;
    const nowMs = Math.max(ms, group.lastMs);
    let fromMs = nowMs - this.reachMs;
    if (window !== 'sliding' && !late) {
      const startMs = own.startMs;
      const isOver =
        startMs === null ||
        ms >= startMs + timespanMs ||
        (gapMs !== null && ms > group.lastMs + gapMs);
      if (isOver) {
        own.startMs = window === 'tumbling' ? Math.floor(ms / timespanMs) * timespanMs : ms;
        group.firedMs = null;
      }
      fromMs = own.startMs ?? ms;
    }
    let old = 0;
    while (old < own.seen.length && (own.seen[old] as Seen).ms < fromMs) old += 1;
    if (old > 0) own.seen = own.seen.slice(old);
  }

  #bound(group: Group, own: Own, place: number, ms: number): void {
    let count = 0;
    let oldest = -1;
    for (let at = own.seen.length - 1; at >= 0; at -= 1) {
      if (own.seen[at]?.place !== place) continue;
      count += 1;
      oldest = at;
    }
    if (count <= SEEN_MAX) return;
    const dropped = own.seen[oldest] as Seen;
    own.seen = own.seen.toSpliced(oldest, 1);
    if (dropped.ms > ms - this.#rule.timespanMs)
      this.#tools.bounded(group, `more than ${SEEN_MAX} hits of a rule in one window`, ms);
  }

  /** A hit where nothing should be: what waits is over, and what was said is taken back. */
  #spoil(group: Group, own: Own, { place, ms, kept }: Seen, late: boolean): void {
    if (own.pending.length === 0 && (!late || group.fired.length === 0)) return;
    const spoils = (one: Stretch) => one.place === place && one.fromMs <= ms && ms <= one.toMs;
    const isSpoilt = ({ empty, hits, timeMs }: Pending) =>
      // What comes in order stands behind everything that has come, whatever its time says.
      empty.some((one) => spoils(one) && (late || one.toMs > timeMs)) &&
      // In an order an event is neither before nor after itself.
      !(this.#inOrder && hits.some((one) => isSameEvent(one, kept)));
    if (own.pending.length > 0 && own.pending.some(isSpoilt))
      own.pending = own.pending.filter((one) => !isSpoilt(one));
    if (!late || group.fired.length === 0) return;
    const nowMs = Math.max(ms, group.lastMs);
    this.#tools.retract(group, 'a late event stands where none was found', spoils, nowMs);
  }

  /** Everything the hit at `at` completes; with `including`, only what that one is part of. */
  #completedBy(group: Group, own: Own, at: number, late: boolean, including?: Seen): void {
    for (let number = 0; number < this.#conjuncts.length; number += 1) {
      const conjunct = this.#conjuncts[number] as Conjunct;
      // Most groups hold hits of one rule only: those complete nothing.
      if (!holdsAll(own.seen, conjunct)) continue;
      const find = this.#inOrder ? orderedOccurrence : occurrence;
      const found = find(own.seen, at, conjunct, this.#rule);
      if (found === null) continue;
      if (including !== undefined && !found.hits.includes(including)) continue;
      const pending = this.#pendingOf(own, conjunct, number, found, late);
      const { timeMs } = pending;
      if (late && this.#isSpoilt(own, at, pending)) continue;
      if (pending.lookMs > timeMs) this.#wait(group, own, pending);
      else this.#decide(group, own, pending, Math.max(timeMs, group.lastMs));
    }
  }

  /** Was something seen since that leaves nothing to wait for? */
  #isSpoilt(own: Own, at: number, { empty, hits, timeMs }: Pending): boolean {
    for (let next = at + 1; next < own.seen.length; next += 1) {
      const { place, ms, kept } = own.seen[next] as Seen;
      if (this.#inOrder && hits.some((one) => isSameEvent(one, kept))) continue;
      // Stretches that end with the occurrence were judged when it was found.
      if (empty.some((one) => one.place === place && one.toMs > timeMs && ms <= one.toMs))
        return true;
    }
    return false;
  }

  #pendingOf(
    own: Own,
    conjunct: Conjunct,
    number: number,
    found: Occurrence,
    late: boolean,
  ): Pending {
    const { hits, minMs, uncertain } = found;
    const timeMs = Math.max(...hits.map(({ ms }) => ms));
    const empty = this.#inOrder
      ? orderedStretches(conjunct, found, timeMs, this.#rule.timespanMs)
      : conjunct.absent.map((place) => ({
          place,
          fromMs: minMs - this.#rule.timespanMs,
          toMs: timeMs + this.#rule.timespanMs,
        }));
    const lookMs = Math.max(timeMs, ...empty.map(({ toMs }) => toMs));
    return {
      conjunct: number,
      hits: inCanonicalOrder(hits, own.seen),
      timeMs,
      minMs,
      uncertain,
      late: late || hits.some(({ kept }) => kept.late),
      empty,
      lookMs,
      giveUpMs: lookMs + HOLD_MAX_MS,
    };
  }

  /** One more that waits. When they are too many the newest gives way to the next. */
  #wait(group: Group, own: Own, pending: Pending): void {
    if (own.pending.length >= PENDING_MAX) {
      own.pending = own.pending.slice(0, -1);
      this.#tools.bounded(group, `more than ${PENDING_MAX} absences wait`, pending.timeMs);
    }
    own.pending = appended(own.pending, pending);
  }

  #decide(group: Group, own: Own, pending: Pending, nowMs: number): void {
    const at = own.pending.indexOf(pending);
    const sight = this.#tools.sight(group, pending.empty);
    if (sight === 'open' && nowMs < pending.giveUpMs) {
      pending.lookMs = nowMs + HOLD_STEP_MS;
      if (at < 0) this.#wait(group, own, pending);
      return;
    }
    if (at >= 0) own.pending = own.pending.toSpliced(at, 1);
    if (sight !== 'clear') {
      this.#tools.undecided(group, 'a source was blind where nothing was found', nowMs);
      return;
    }
    this.#confirmed(group, own, pending, nowMs);
  }

  /** It is true: fires, unless it belongs to the running episode. */
  #confirmed(group: Group, own: Own, pending: Pending, nowMs: number): void {
    const { timespanMs } = this.#rule;
    const { timeMs, minMs, uncertain } = pending;
    const untilMs = minMs + timespanMs;
    const isRunning =
      group.firedMs !== null &&
      Math.abs(timeMs - group.firedMs) < timespanMs &&
      (this.#rule.window !== 'sliding' || timeMs < own.trueUntilMs);
    if (isRunning) {
      own.trueUntilMs = Math.max(own.trueUntilMs, untilMs);
      // An order that is certain says more than one that is not: it is not folded into it.
      if (!own.onlyUncertain || uncertain) return;
      own.onlyUncertain = false;
    } else if (timeMs >= (group.firedMs ?? timeMs)) {
      group.firedMs = timeMs;
      own.trueUntilMs = untilMs;
      own.onlyUncertain = uncertain;
    }
    const conjunct = this.#conjuncts[pending.conjunct] as Conjunct;
    const names = (places: readonly number[]) =>
      places.map((place) => this.#rule.rules[place]).join(this.#inOrder ? ', then ' : ', ');
    const without = conjunct.absent.map((place) => this.#rule.rules[place]).join(', ');
    this.#tools.fire(group, {
      evidence: pending.hits,
      total: pending.hits.length,
      decidedMs: nowMs,
      late: pending.late,
      orderUncertain: uncertain,
      measured: names(conjunct.seen) + (without === '' ? '' : `, without ${without}`),
      counterfactual:
        without === ''
          ? `silent unless ${names(conjunct.seen)} within the timespan`
          : `silent if ${without} had been seen`,
      absent: conjunct.absent,
      empty: pending.empty,
    });
  }
}

/** Where the absent rules of an ordered occurrence must not be hit. */
function orderedStretches(
  { seen, absent }: Conjunct,
  { hits, minMs }: Occurrence,
  timeMs: number,
  timespanMs: number,
): readonly Stretch[] {
  return absent.map((place) => {
    const after = seen.findIndex((one) => one > place);
    if (after < 0) return { place, fromMs: timeMs, toMs: minMs + timespanMs };
    const next = hits[after] as Seen;
    const before = hits[after - 1];
    if (before === undefined) return { place, fromMs: next.ms - timespanMs, toMs: next.ms };
    const [fromMs, toMs] = [Math.min(before.ms, next.ms), Math.max(before.ms, next.ms)];
    return { place, fromMs, toMs };
  });
}

/** As the group saw them, each event once. */
function inCanonicalOrder(hits: readonly Seen[], seen: readonly Seen[]): readonly KeptHit[] {
  const sorted = [...hits].sort((a, b) => seen.indexOf(a) - seen.indexOf(b));
  const kept = sorted.map((one) => one.kept);
  return kept.filter((one, at) => kept.findIndex((other) => isSameEvent(other, one)) === at);
}

function holdsAll(seen: readonly Seen[], conjunct: Conjunct): boolean {
  for (const place of conjunct.seen) if (!holds(seen, place)) return false;
  return true;
}

function holds(seen: readonly Seen[], place: number): boolean {
  for (const one of seen) if (one.place === place) return true;
  return false;
}

/** Is this hit there already? Its time is the same, so only its neighbours in time are asked. */
function isSeen(seen: readonly Seen[], hit: Hit, place: number, ms: number): boolean {
  for (let at = seen.length - 1; at >= 0; at -= 1) {
    const one = seen[at] as Seen;
    if (one.ms < ms) return false;
    if (one.place === place && isSameEvent(one.kept, hit)) return true;
  }
  return false;
}
