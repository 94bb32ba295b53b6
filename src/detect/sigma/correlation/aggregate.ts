/** Aggregate: cuts time into windows, and asks of a figure whether the condition holds. */
import type { CorrelationRule } from './definition.ts';
import { type Group, keep, lateReachMs } from './group.ts';
import { type Hit, isSameEvent, type KeptHit, tagged } from './hit.ts';
import { HOLD_MAX_MS, HOLD_STEP_MS, type Machine, type Taken, type Tools } from './machine.ts';
import type { Measure, Value } from './measure.ts';
import { holds, isDecidedOnArrival, rangeText } from './range.ts';

/** A window that is over, and may still be decided or corrected. */
interface Closed<State> {
  readonly startMs: number;
  readonly endMs: number;
  state: State;
  kept: readonly KeptHit[];
  outcome: 'held' | 'fired' | 'silent' | 'undecided';
  /** While held: when it is looked at again, and when it is given up. */
  lookMs: number;
  giveUpMs: number;
}

/** State of one group. */
interface Own<State> {
  /** Where the current window began; null where none is open, and always when sliding on arrival. */
  startMs: number | null;
  state: State;
  closed: Closed<State> | null;
}

/**
 * The machine over a measure. Conditions of gt and gte alone are decided as events arrive; others when
 * the window closes. A sliding window that must close is opened by the first event after the last one
 * closed. Windows are [start, end); a session also ends after `gap` without an event.
 */
export function aggregate<State>(
  rule: CorrelationRule,
  tools: Tools,
  measure: Measure<State>,
): Machine {
  return new Aggregate(rule, tools, measure);
}

class Aggregate<State> implements Machine {
  readonly #rule: CorrelationRule;
  readonly #tools: Tools;
  readonly #measure: Measure<State>;
  readonly #onArrival: boolean;
  readonly #slides: boolean;
  readonly reachMs: number;

  constructor(rule: CorrelationRule, tools: Tools, measure: Measure<State>) {
    this.#rule = rule;
    this.#tools = tools;
    this.#measure = measure;
    this.#onArrival = isDecidedOnArrival(rule.range ?? {});
    this.reachMs = rule.timespanMs + lateReachMs(rule.timespanMs);
    this.#slides = this.#onArrival && rule.window === 'sliding';
  }

  create(): Own<State> {
    return { startMs: null, state: this.#measure.create(), closed: null };
  }

  valueOf(hit: Hit, place: number): Value | null {
    return this.#measure.valueOf(this.#rule, hit, place);
  }

  hit(group: Group, taken: Taken): void {
    const own = group.own as Own<State>;
    if (this.#slides) this.#slide(group, own, taken);
    else this.#window(group, own, taken);
  }

  pass(group: Group, ms: number): void {
    const own = group.own as Own<State>;
    const endMs = this.#endMs(group, own);
    if (endMs !== null && endMs <= ms) this.#close(group, own, endMs);
    const { closed } = own;
    if (closed?.outcome === 'held' && closed.lookMs <= ms) this.#decide(group, closed, ms);
  }

  dueOf(group: Group): number | null {
    const own = group.own as Own<State>;
    const heldMs = own.closed?.outcome === 'held' ? own.closed.lookMs : null;
    const endMs = this.#endMs(group, own);
    if (endMs === null || heldMs === null) return endMs ?? heldMs;
    return Math.min(endMs, heldMs);
  }

  forget(group: Group, taken: Taken): void {
    const { value } = taken;
    const own = group.own as Own<State>;
    const { ms } = taken.hit;
    const without = (kept: readonly KeptHit[]) =>
      kept.filter((one) => !isSameEvent(one, taken.hit));
    if (own.closed !== null && ms < own.closed.endMs && ms >= own.closed.startMs) {
      this.#measure.remove(own.closed.state, ms, value);
      own.closed.kept = without(own.closed.kept);
    } else {
      this.#measure.remove(own.state, ms, value);
      group.kept = without(group.kept);
    }
    if (!this.#isTrue(own.state)) group.firedMs = null;
  }

  progress(group: Group): number {
    const { range } = this.#rule;
    const least = Math.max(range?.gte ?? 0, range?.gt ?? 0);
    const figure = this.#figureOf((group.own as Own<State>).state) ?? 0;
    return least > 0 ? Math.min(1, Math.max(0, figure / least)) : 0.5;
  }

  /** (t − timespan, t], looked at whenever an event comes. */
  #slide(group: Group, own: Own<State>, taken: Taken): void {
    const { timespanMs } = this.#rule;
    const { ms } = taken.hit;
    if (taken.late && ms <= group.lastMs - timespanMs) {
      this.#tooLate(group, ms);
      return;
    }
    const nowMs = Math.max(ms, group.lastMs);
    this.#measure.expire(own.state, nowMs - timespanMs);
    prune(group, nowMs - timespanMs);
    // The window may have emptied since the last event, or a timespan passed: that episode is over.
    const { firedMs } = group;
    if (firedMs !== null && (nowMs >= firedMs + timespanMs || !this.#isTrue(own.state)))
      group.firedMs = null;
    this.#add(group, own.state, taken);
    group.kept = this.#with(group.kept, taken);
    if (group.firedMs !== null) return;
    if (this.#isTrue(own.state)) {
      group.firedMs = nowMs;
      this.#fire(group, own.state, group.kept, nowMs, taken.late);
    } else if (taken.late && this.#isCut(own.state, ms - timespanMs))
      this.#tools.undecided(group, 'of the window of a late event only a part is still held', ms);
  }

  /** Was something let go that is later than that? */
  #isCut(state: State, fromMs: number): boolean {
    const goneMs = this.#measure.goneMs(state);
    return goneMs !== null && goneMs > fromMs;
  }

  /** Windows with a beginning and an end. */
  #window(group: Group, own: Own<State>, taken: Taken): void {
    const { ms } = taken.hit;
    const endMs = this.#endMs(group, own);
    if (taken.late && own.closed !== null && ms >= own.closed.startMs && ms < own.closed.endMs) {
      this.#correct(group, own.closed, taken);
      return;
    }
    if (taken.late && ms < (own.startMs ?? own.closed?.startMs ?? ms)) {
      this.#tooLate(group, ms);
      return;
    }
    if (endMs !== null && this.#isOver(group, own, ms)) this.#close(group, own, endMs);
    if (own.startMs === null) this.#open(group, own, ms);
    this.#add(group, own.state, taken);
    group.kept = this.#with(group.kept, taken);
    if (!this.#onArrival || group.firedMs !== null || !this.#isTrue(own.state)) return;
    group.firedMs = ms;
    this.#fire(group, own.state, group.kept, Math.max(ms, group.lastMs), taken.late);
  }

  #open(group: Group, own: Own<State>, ms: number): void {
    const { timespanMs, window } = this.#rule;
    own.startMs = window === 'tumbling' ? Math.floor(ms / timespanMs) * timespanMs : ms;
    own.state = this.#measure.create();
    group.kept = [];
    group.firedMs = null;
  }

  /** When the open window ends, as far as is known; null where none is open. */
  #endMs(group: Group, { startMs }: Own<State>): number | null {
    if (startMs === null) return null;
    const { timespanMs, gapMs } = this.#rule;
    const capMs = startMs + timespanMs;
    return gapMs === null ? capMs : Math.min(capMs, group.lastMs + gapMs);
  }

  /** Does an event at `ms` lie behind the open window? A session takes it in up to its gap. */
  #isOver(group: Group, { startMs }: Own<State>, ms: number): boolean {
    const { timespanMs, gapMs } = this.#rule;
    if (ms >= (startMs as number) + timespanMs) return true;
    return gapMs !== null && ms > group.lastMs + gapMs;
  }

  #close(group: Group, own: Own<State>, endMs: number): void {
    const { closed, startMs } = own;
    if (closed?.outcome === 'held') this.#giveUp(group, closed, endMs);
    own.closed = {
      startMs: startMs as number,
      // What a session took in at its very end belongs to it.
      endMs: Math.max(endMs, group.lastMs + 1),
      state: own.state,
      kept: group.kept,
      outcome: group.firedMs !== null ? 'fired' : 'silent',
      lookMs: endMs,
      giveUpMs: endMs + HOLD_MAX_MS,
    };
    if (!this.#onArrival) this.#decide(group, own.closed, endMs);
    own.startMs = null;
    own.state = this.#measure.create();
    group.kept = [];
    group.firedMs = null;
  }

  /** Decides a window that is over, if its sources could be heard. */
  #decide(group: Group, closed: Closed<State>, nowMs: number): void {
    const { kinds } = this.#rule;
    const stretches = kinds.map((_, place) => ({
      place,
      fromMs: closed.startMs,
      toMs: closed.endMs - 1,
    }));
    const sight = this.#tools.sight(group, stretches);
    if (sight === 'open' && nowMs < closed.giveUpMs) {
      closed.outcome = 'held';
      closed.lookMs = nowMs + HOLD_STEP_MS;
    } else if (sight !== 'clear') this.#giveUp(group, closed, nowMs);
    else if (this.#isTrue(closed.state)) {
      closed.outcome = 'fired';
      this.#fire(group, closed.state, closed.kept, nowMs, false, closed);
    } else closed.outcome = 'silent';
  }

  #giveUp(group: Group, closed: Closed<State>, nowMs: number): void {
    closed.outcome = 'undecided';
    this.#tools.undecided(group, 'a source was blind while its window was open', nowMs);
  }

  /** A late hit of a window that is over: it may fire, or take its firing back. */
  #correct(group: Group, closed: Closed<State>, taken: Taken): void {
    const was = closed.outcome;
    this.#add(group, closed.state, taken);
    closed.kept = this.#with(closed.kept, taken);
    const nowMs = Math.max(group.lastMs, closed.endMs);
    const isTrue = this.#isTrue(closed.state);
    if (was === 'silent' && isTrue) {
      closed.outcome = 'fired';
      this.#fire(group, closed.state, closed.kept, nowMs, true, closed);
    } else if (was === 'fired' && !isTrue && !this.#onArrival) {
      closed.outcome = 'silent';
      const reason = 'a late event changed what was counted in the window';
      this.#tools.retract(group, reason, ({ fromMs }) => fromMs === closed.startMs, nowMs);
    }
  }

  #add(group: Group, state: State, { hit, value }: Taken): void {
    if (this.#measure.add(state, hit.ms, value, this.#rule))
      this.#tools.bounded(group, 'a window holds more than is kept of it', hit.ms);
  }

  /** Where different values are counted, the newest event of each is the evidence. */
  #with(list: readonly KeptHit[], { kept, value }: Taken): readonly KeptHit[] {
    return keep(list, this.#measure.isDistinct ? tagged(kept, String(value)) : kept);
  }

  /** What is no number proves nothing, and would put the group into no order. */
  #figureOf(state: State): number | null {
    const figure = this.#measure.figure(state, this.#rule);
    return figure !== null && Number.isFinite(figure) ? figure : null;
  }

  #isTrue(state: State): boolean {
    const figure = this.#figureOf(state);
    return figure !== null && holds(this.#rule.range ?? {}, figure);
  }

  #fire(
    group: Group,
    state: State,
    evidence: readonly KeptHit[],
    decidedMs: number,
    late: boolean,
    closed: Closed<State> | null = null,
  ): void {
    const figure = this.#measure.figure(state, this.#rule) as number;
    const range = rangeText(this.#rule.range ?? {});
    const { kinds } = this.#rule;
    this.#tools.fire(group, {
      evidence: [...evidence],
      total: this.#measure.count(state),
      decidedMs,
      late: late || evidence.some((one) => one.late),
      orderUncertain: false,
      measured: this.#measure.text(figure, this.#rule),
      counterfactual: `silent unless ${range} within the timespan`,
      absent: [],
      empty:
        closed === null || this.#onArrival
          ? []
          : kinds.map((_, place) => ({
              place,
              fromMs: closed.startMs,
              toMs: closed.endMs - 1,
            })),
    });
  }

  #tooLate(group: Group, ms: number): void {
    this.#tools.undecided(group, 'a late event lies before every window still held', ms);
  }
}

/** Lets go of hits that are not later than `untilMs`. */
function prune(group: Group, untilMs: number): void {
  let old = 0;
  while (old < group.kept.length && (group.kept[old] as KeptHit).ms <= untilMs) old += 1;
  if (old > 0) group.kept = group.kept.slice(old);
}
