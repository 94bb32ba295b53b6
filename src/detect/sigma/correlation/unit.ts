/** Unit: one correlation at work: its groups, its machine, and what it gives out. */
import { idOf } from '../../../model/ids.ts';
import { SHOWN } from '../shown.ts';
import type { CorrelationRule } from './definition.ts';
import { sightOf } from './gaps.ts';
import {
  EVIDENCE_MAX,
  emptyGroup,
  FIRED_MAX,
  fieldAt,
  type Group,
  groupKey,
  isKept,
  keptOf,
  LATE_KEEP_MS,
  type Stretch,
  textOf,
} from './group.ts';
import type { Book, CorrelationContext, Firing, Hit, KeptHit, Keyed } from './hit.ts';
import type { Draft, Machine, Tools } from './machine.ts';
import { GroupStore, type Restored } from './store.ts';
import { packing } from './stored.ts';
import { TYPES } from './types.ts';

/** A hit that may be the firing of another correlation. */
export type ChainedHit = Hit & { readonly from?: readonly KeptHit[] };

/** What a unit needs of the engine. */
export interface UnitContext extends CorrelationContext {
  readonly count: (name: string) => void;
  /** The group wants to be looked at. */
  readonly wake: (unit: Unit, key: string, ms: number) => void;
}

/** One correlation. */
export class Unit {
  readonly rule: CorrelationRule;
  readonly store: GroupStore;
  readonly #context: UnitContext;
  readonly #machine: Machine;
  /** May its firings be taken back? */
  readonly #isRetractable: boolean;
  /** Groups with firings that can be taken back. */
  readonly #standing = new Set<string>();
  /** What hits of each rule are grouped by. */
  readonly #fields: readonly GroupFields[];

  constructor(
    rule: CorrelationRule,
    depth: number,
    isOnRetractable: boolean,
    context: UnitContext,
  ) {
    this.rule = rule;
    this.#context = context;
    this.#fields = rule.rules.map((_, place) =>
      groupFields(rule.groupBy.map((name) => fieldAt(rule, name, place))),
    );
    const space = `C${depth}:${idOf('correlation', rule.key).slice(0, 16)}`;
    this.store = new GroupStore(space, context.slots, rule.limits, (_key, group, cause) => {
      const far = Math.round(this.#machine.progress(group) * 100);
      const detail = `group ${shown(rule, group)} evicted at ${far} % of its way: ${cause}`;
      context.evicted(rule.name, detail, group.lastMs);
      context.count('correlation.evicted');
    });
    this.#machine = TYPES[rule.type].compile(rule, this.#tools());
    context.slots.packs(
      space,
      packing(rule.bases, () => this.#machine.create()),
    );
    context.slots.rests(space);
    const isNegated = rule.conjuncts?.some(({ absent }) => absent.length > 0) ?? false;
    const { range } = rule;
    const closes =
      range !== null && [range.lt, range.lte, range.eq, range.neq].some((one) => one !== undefined);
    this.#isRetractable = isOnRetractable || isNegated || closes;
  }

  get isRetractable(): boolean {
    return this.#isRetractable;
  }

  /** A hit of the rule at `place`. */
  take(hit: ChainedHit, place: number): void {
    const value = this.#machine.valueOf(hit, place);
    if (value === null) {
      this.#context.count('correlation.no-value');
      return;
    }
    const { key, values, lacks } = this.#keyed(hit, place);
    if (this.#skips(lacks)) return;
    const known = this.store.get(key);
    const group = known ?? this.#open(key, hit, values);
    // Where events are measured each counts once, however many rules it matches.
    if (isKept(group, hit, this.rule.type === 'temporal')) return;
    const late = hit.late || hit.ms < group.lastMs;
    const taken = { hit, kept: keptOf(hit), place, value, late };
    this.#machine.hit(group, taken);
    group.lastMs = Math.max(group.lastMs, hit.ms);
    // On its first hit a group is on probation.
    if (known !== undefined) this.store.moved(key, group, this.#machine.progress(group));
    this.#schedule(key, group);
  }

  /** Time reached what the group asked for. */
  pass(key: string, ms: number): void {
    const group = this.store.get(key);
    if (group === undefined || group.dueMs !== ms) return;
    group.dueMs = 0;
    this.#machine.pass(group, ms);
    if (group.fired.length > 0) group.fired = group.fired.filter(({ untilMs }) => untilMs > ms);
    if (group.fired.length === 0) this.#standing.delete(key);
    if (this.#machine.dueOf(group) === null && this.#forgetMs(group) <= ms) this.store.remove(key);
    else {
      this.store.touch(key);
      this.#schedule(key, group);
    }
  }

  /** A firing of a base was taken back: what rests on it is, too. */
  forget(hit: ChainedHit, place: number, reason: string): void {
    const { key, lacks } = this.#keyed(hit, place);
    const group = this.#skips(lacks) ? undefined : this.store.get(key);
    const value = this.#machine.valueOf(hit, place);
    if (group === undefined || value === null) return;
    this.#machine.forget(group, { hit, kept: keptOf(hit), place, value, late: true });
    this.#retract(group, reason, hit.ms, ({ rests }) => rests.includes(hit.eventId));
    this.store.touch(key);
    this.#schedule(key, group);
  }

  /** A book of a tenant was blind: what rests on its silence is taken back. */
  gap({ kind, tenant }: Book, fromMs: number, toMs: number, decidedMs: number): void {
    const isIn = (one: Stretch) =>
      one.fromMs <= toMs && one.toMs >= fromMs && this.rule.kinds[one.place]?.includes(kind);
    for (const key of [...this.#standing].sort()) {
      const group = this.store.get(key);
      if (group === undefined || group.tenant !== tenant) continue;
      const reason = `the source of ${kind} turned out to have been blind`;
      this.#retract(group, reason, decidedMs, ({ empty }) => empty.some(isIn));
      this.store.touch(key);
    }
  }

  /** Takes over restored groups. */
  adopt(restored: readonly Restored[]): void {
    this.store.adopt(restored);
    this.#standing.clear();
    for (const [key, head] of restored) if (head[6] === 1) this.#standing.add(key);
  }

  /** Does the correlation leave out what has no value to group it by? */
  #skips(lacks: boolean): boolean {
    if (!lacks || this.rule.missingGroup !== 'skip') return false;
    this.#context.count('group.missing');
    return true;
  }

  /** The group of a hit. Correlations by the same fields ask one after the other about one event. */
  #keyed(hit: Hit, place: number): Keyed {
    const { id, names } = this.#fields[place] as GroupFields;
    const known = hit.keyed?.[id];
    if (known !== undefined && known.turn === hit.turn) return known;
    const [name] = names;
    const values =
      names.length === 1 && name !== undefined
        ? [textOf(hit.field(name))]
        : names.map((each) => textOf(hit.field(each)));
    const key = groupKey(hit.tenant, values);
    const made = { turn: hit.turn ?? 0, key, values, lacks: values.includes(null) };
    if (hit.keyed !== undefined) hit.keyed[id] = made;
    return made;
  }

  #open(key: string, hit: Hit, values: Group['values']): Group {
    const group = emptyGroup(hit, values, this.#machine.create());
    this.store.add(key, group);
    return group;
  }

  #schedule(key: string, group: Group): void {
    // A group for which something is due is not forgotten before.
    const dueMs = this.#machine.dueOf(group) ?? this.#forgetMs(group);
    if (group.dueMs !== 0 && group.dueMs <= dueMs) return;
    group.dueMs = dueMs;
    this.#context.wake(this, key, dueMs);
  }

  #forgetMs(group: Group): number {
    let ms = group.lastMs + this.#machine.reachMs;
    for (const { untilMs } of group.fired) ms = Math.max(ms, untilMs);
    return ms;
  }

  #tools(): Tools {
    const { slots, blind, undecided, evicted, count } = this.#context;
    const sinceMs = this.#context.sinceMs?.(this.rule.key) ?? Number.NEGATIVE_INFINITY;
    return {
      fire: (group, draft) => this.#fire(group, draft),
      retract: (group, reason, spoils, ms) =>
        this.#retract(group, reason, ms, ({ empty }) => empty.some(spoils)),
      sight: ({ tenant }, stretches) => {
        let worst: 'clear' | 'open' | 'gap' = 'clear';
        for (const stretch of stretches) {
          if (stretch.fromMs < sinceMs) return 'gap';
          for (const kind of this.rule.kinds[stretch.place] ?? []) {
            const isBlind = blind(kind, tenant);
            const sight = sightOf(slots, { kind, tenant }, stretch, isBlind);
            if (sight === 'gap') return 'gap';
            if (sight === 'open') worst = 'open';
          }
        }
        return worst;
      },
      undecided: (group, detail, ms) => {
        count('correlation.undecided');
        undecided(this.rule.name, `group ${shown(this.rule, group)}: ${detail}`, ms);
      },
      bounded: (group, detail, ms) => {
        count('correlation.bounded');
        if (group.approximate) return;
        group.approximate = true;
        evicted(this.rule.name, `group ${shown(this.rule, group)}: ${detail}`, ms);
      },
    };
  }

  #fire(group: Group, draft: Draft): void {
    const firing = this.#firingOf(group, draft);
    if (this.#isRetractable) {
      const { empty, evidence, decidedMs } = draft;
      const rests = evidence.map(({ eventId }) => eventId);
      const fired = [...group.fired, { firing, rests, empty, untilMs: decidedMs + LATE_KEEP_MS }];
      group.fired = fired.slice(-FIRED_MAX);
      this.#standing.add(groupKey(group.tenant, group.values));
    }
    this.#context.count('correlation.fired');
    this.#context.fire(firing);
  }

  #firingOf(group: Group, draft: Draft): Firing {
    const { rule } = this;
    const key = groupKey(group.tenant, group.values);
    const completing = draft.evidence.at(-1) as KeptHit;
    const evidence = flat(draft.evidence);
    const by = rule.groupBy.map((name, at) => [name, group.values[at] ?? '-'] as const);
    return {
      correlation: rule.key,
      id: idOf('firing', rule.key, key, ...evidence.map(({ eventId }) => eventId)),
      tenant: group.tenant,
      group: key,
      by: Object.fromEntries(by),
      entity: completing.entity,
      evidence,
      total: draft.total,
      timeMs: evidence.at(-1)?.ms ?? completing.ms,
      decidedMs: draft.decidedMs,
      late: draft.late,
      orderUncertain: draft.orderUncertain,
      approximate: group.approximate,
      measured: draft.measured,
      counterfactual: draft.counterfactual,
      absent: draft.absent.map((place) => rule.rules[place] as string),
      retracts: null,
    };
  }

  #retract(
    group: Group,
    reason: string,
    ms: number,
    isGone: (fired: Group['fired'][number]) => boolean,
  ): void {
    const gone = group.fired.filter(isGone);
    if (gone.length === 0) return;
    group.fired = group.fired.filter((one) => !gone.includes(one));
    if (group.fired.length === 0) this.#standing.delete(groupKey(group.tenant, group.values));
    for (const { firing } of gone) {
      if (firing.timeMs === group.firedMs) group.firedMs = null;
      const retracts = { reason, ms: Math.max(ms, firing.decidedMs) };
      this.#context.count('correlation.retracted');
      this.#context.fire({ ...firing, retracts });
    }
  }
}

/** Fields that make groups, with a number that all who group by them have in common. */
interface GroupFields {
  readonly id: number;
  readonly names: readonly string[];
}

/** Names come from rules: there are as many as people wrote. */
const FIELDS = new Map<string, GroupFields>();

function groupFields(names: readonly string[]): GroupFields {
  const key = JSON.stringify(names);
  const known = FIELDS.get(key);
  if (known !== undefined) return known;
  const made = { id: FIELDS.size, names };
  FIELDS.set(key, made);
  return made;
}

/** The events behind hits, each once, in the order of time; the newest where they are too many. */
function flat(hits: readonly KeptHit[]): readonly KeptHit[] {
  const events = new Map<string, KeptHit>();
  for (const hit of hits)
    for (const one of hit.from.length > 0 ? hit.from : [hit])
      if (!events.has(one.eventId)) events.set(one.eventId, plain(one));
  return [...events.values()].sort((a, b) => a.ms - b.ms).slice(-EVIDENCE_MAX);
}

/** As it is given out and written with a firing. */
function plain({ rule, eventId, ms, late, witness, entity, tag }: KeptHit): KeptHit {
  return { rule, eventId, ms, late, witness, entity, tag, from: [], number: 0 };
}

/** A group for people: values that may be shown, cut short; of every other one its field alone. */
function shown({ groupBy }: CorrelationRule, { values }: Group): string {
  const text = groupBy
    .map((name, at) => (SHOWN.has(name) ? (values[at] ?? '-') : `one ${name}`))
    .join(', ');
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}…` : text);
}
