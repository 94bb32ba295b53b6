/** Foreign values: literals of calls that neither mandates nor the role's habits account for. */
import type { UnitHead, UnitRecord } from '../../model/unit.ts';
import { bySession } from '../influence.ts';
import { named } from '../wording.ts';
import { type Origin, originsOf } from './origin.ts';
import { type ReadCall, readCall } from './reading.ts';
import { type ConductState, hear, newState, remember, templateOf } from './state.ts';

/** A literal that no mandate of its sessions names, at one place: an argument of a tool, in a role. */
export interface ForeignValue {
  /**
   * How much likelier it is where somebody planted it than in the role's own work, bits: by its origin,
   * by its recurrence under several mandates, and by how well the tool fits what was asked.
   */
  readonly bits: number;
  /** What it has in common with others of its kind: place and origin. Not for people. */
  readonly trace: string;
  /** Sessions that used it there, and templates of their mandates. */
  readonly sessions: number;
  readonly mandates: number;
  /** One sentence with counts; names and figures only. */
  readonly because: string;
}

/** Values that are this much likelier planted are named at all, bits. */
export const TRACE_BITS = 2;

/** Fewer sessions, of other values or of like mandates, say nothing of what is usual. */
const OTHERS_MIN = 10;
/** So many other values are compared with at least, and so many sessions of each count for support. */
const VALUES_MIN = 3;
const SUPPORT_MAX = 3;
/** Where a planted value comes from: out of nowhere, out of any tool's result, out of an own call. */
const PLANTED = { none: 0.6, result: 0.3, own: 0.1 };
/** More than so many recurrences, or bits of a misfit, add nothing: they are not independent. */
const RECURRENCES_MAX = 3;
const MISFIT_MAX = 4;
/** A misfit counts where the origin is twice as likely planted: tools misfit for many a sound reason. */
const ODD_BITS = 1;
/** What more than a fifth of the sessions of like mandates do is their habit. */
const HABIT_SHARE = 0.2;
const MANDATE = 'mandate';

/** What is known of one context: distinct values by where they came from. */
interface Place {
  readonly bySymbol: Map<string, Set<string>>;
  /** Distinct values, once per symbol. */
  total: number;
  /** Sessions by value, and how many of them count as behind a comparison. */
  readonly sessions: Map<string, Set<string>>;
  support: number;
  /** Values that no mandate named, with the templates they came up under. */
  readonly unmandated: Map<string, Set<number>>;
}

/** Sessions that had a value from one origin: all of them, and by kind of mandate. */
interface Fellows {
  readonly sessions: Set<string>;
  readonly kin: Map<string, Set<string>>;
}

/** One value at one place, with everything that used it. */
interface Cluster {
  readonly value: string;
  readonly role: string;
  readonly tool: string;
  readonly path: string;
  /** From particular to general. */
  readonly contexts: readonly string[];
  readonly sessions: Set<string>;
  readonly bySymbol: Map<string, Fellows>;
}

interface Counting {
  readonly places: Map<string, Place>;
  readonly clusters: Map<string, Cluster>;
  /** By place and origin, whatever the value: sessions by kind of mandate. */
  readonly traces: Map<string, Map<string, Set<string>>>;
  /** Sessions by kind of mandate, and by that and tool; tools by role. */
  readonly kin: Map<string, Set<string>>;
  readonly using: Map<string, Set<string>>;
  readonly tools: Map<string, Set<string>>;
}

/**
 * Foreign values by session, the most telling first. Each value counts once at its place however often it
 * recurs, and is judged by the *other* values there: what is planted again and again excuses neither
 * itself nor its fellows, and all sessions that had it from the same origin are judged alike. Of calls that
 * went through, actionable literals only. A value that most of its sessions had from elsewhere, or that
 * has too few others beside it, is not judged. Linear in the calls; the order of units is nothing.
 */
export function foreignValues(
  units: readonly UnitRecord[],
): ReadonlyMap<string, readonly ForeignValue[]> {
  const counting: Counting = {
    ...{ places: new Map(), clusters: new Map(), traces: new Map(), kin: new Map() },
    ...{ using: new Map(), tools: new Map() },
  };
  for (const { units: chunks } of bySession(units)) countSession(chunks, counting);
  const recurring = new Map<Place, number>();
  const found = new Map<string, ForeignValue[]>();
  for (const cluster of counting.clusters.values())
    for (const [symbol, fellows] of cluster.bySymbol) {
      if (symbol === MANDATE || 2 * fellows.sessions.size <= cluster.sessions.size) continue;
      const value = judged(cluster, symbol, fellows, counting, recurring);
      if (value === null || value.bits < TRACE_BITS) continue;
      for (const session of fellows.sessions) {
        const list = found.get(session) ?? [];
        list.push(value);
        found.set(session, list);
      }
    }
  for (const list of found.values())
    list.sort((a, b) => b.bits - a.bits || (a.because < b.because ? -1 : 1));
  return found;
}

/** What the sessions of a mandate like this are found under: its declared task, else its template. */
function kinOf(head: UnitHead): string {
  return `${head.role ?? ''}|${head.taskType ?? `#${templateOf(head)}`}`;
}

/** Counts a session as one, whatever chunks it is in: the first has read what the second uses. */
function countSession(chunks: readonly UnitRecord[], counting: Counting): void {
  const head = chunks[0]?.head;
  if (head === undefined) return;
  const state = newState(head);
  const items = chunks.flatMap((chunk) => chunk.items);
  // Without result texts nobody can tell what was read from what was made up: such sessions are compared
  // with their like only.
  const hasTexts = items.some((item) => item.type === 'call' && Boolean(item.result));
  const kin = kinOf(head);
  const first = new Map<string, string>();
  included(counting.kin, kin).add(head.session);
  for (const item of items) {
    if (item.type !== 'call') {
      hear(state, item);
      continue;
    }
    if (item.ours) continue;
    const call = readCall(item);
    const origins = originsOf(state, call).map((origin) => ({
      origin,
      value: origin.h.join('.'),
      symbol: symbolOf(origin, first, hasTexts),
    }));
    for (const { value, symbol } of origins) if (!first.has(value)) first.set(value, symbol);
    if (item.outcome !== 'error') {
      included(counting.tools, state.role).add(call.tool);
      included(counting.using, `${kin}|${call.tool}`).add(head.session);
      for (const { origin, value, symbol } of origins) {
        const isCertain = !(state.full && symbol === 'none');
        if (origin.literal && isCertain)
          countValue({ head, state, call, origin, value, symbol, kin, hasTexts }, counting);
      }
    }
    remember(state, call, item);
  }
}

/** Where a value came from; what an own earlier call used came from where that call had it. */
function symbolOf(
  { origin, tool, h }: Origin,
  first: ReadonlyMap<string, string>,
  hasTexts: boolean,
): string {
  if (origin === MANDATE) return MANDATE;
  if (origin === 'own') return first.get(h.join('.')) ?? 'own';
  if (!hasTexts) return 'none';
  return origin === 'result' ? `r:${tool}` : 'none';
}

interface Sighted {
  readonly head: UnitHead;
  readonly state: ConductState;
  readonly call: ReadCall;
  readonly origin: Origin;
  readonly value: string;
  readonly symbol: string;
  readonly kin: string;
  readonly hasTexts: boolean;
}

function countValue(sighted: Sighted, counting: Counting): void {
  const { head, state, call, origin, value, symbol, kin, hasTexts } = sighted;
  const { session } = head;
  const { role } = state;
  const level = hasTexts ? 'L3' : 'L2';
  const contexts = [
    `${level}|${role}|${call.tool}|${origin.path}`,
    `${level}|${role}|${call.toolClass ?? '?'}/${origin.kind}`,
  ];
  for (const context of contexts) {
    const place: Place = counting.places.get(context) ?? {
      ...{ bySymbol: new Map(), total: 0, unmandated: new Map() },
      ...{ sessions: new Map(), support: 0 },
    };
    counting.places.set(context, place);
    const values = included(place.bySymbol, symbol);
    if (!values.has(value)) place.total += 1;
    values.add(value);
    const sessions = included(place.sessions, value);
    if (!sessions.has(session) && sessions.size < SUPPORT_MAX) place.support += 1;
    sessions.add(session);
    if (symbol !== MANDATE) included(place.unmandated, value).add(state.template);
  }
  const key = `${contexts[0]} ${value}`;
  const cluster: Cluster = counting.clusters.get(key) ?? {
    ...{ value, role, contexts, tool: call.tool, path: origin.path },
    ...{ sessions: new Set(), bySymbol: new Map() },
  };
  counting.clusters.set(key, cluster);
  cluster.sessions.add(session);
  const fellows = cluster.bySymbol.get(symbol) ?? { sessions: new Set(), kin: new Map() };
  cluster.bySymbol.set(symbol, fellows);
  fellows.sessions.add(session);
  included(fellows.kin, kin).add(session);
  const trace = traceOf(contexts, symbol);
  const alike = counting.traces.get(trace) ?? new Map<string, Set<string>>();
  counting.traces.set(trace, alike);
  included(alike, kin).add(session);
}

function traceOf(contexts: readonly string[], symbol: string): string {
  return `${contexts[0]} ${symbol}`;
}

/** Judges a value by where it came from; null where there is too little to compare it with. */
function judged(
  { value, role, tool, path, contexts }: Cluster,
  symbol: string,
  { sessions, kin: ownKin }: Fellows,
  { places, traces, kin, using, tools }: Counting,
  recurring: Map<Place, number>,
): ForeignValue | null {
  const known = contexts.flatMap((context) => places.get(context) ?? []);
  const compared = known
    .filter((place) => supportOf(place, value) >= OTHERS_MIN)
    .map((place) => othersAt(place, symbol, value))
    .find(({ others }) => others >= VALUES_MIN);
  if (compared === undefined) return null;
  const { alike, others } = compared;
  const all = tools.get(role)?.size ?? 1;
  const origin = Math.log2((plantedShare(symbol, all) * (others + 1)) / (alike + 0.5));
  const mandates = known[0]?.unmandated.get(value)?.size ?? 1;
  // What is usual from there may well recur: recurrence at most doubles what the origin says.
  const again = Math.min(Math.max(0, origin), recurrenceBits(mandates, value, known, recurring));
  let misfit = { bits: 0, like: 0, use: 0 };
  const trace = traceOf(contexts, symbol);
  for (const [kind, own] of ownKin) {
    const sessions = kin.get(kind)?.size ?? 0;
    const alike = traces.get(trace)?.get(kind)?.size ?? 0;
    // Without all that came from there: strangers of many names must not make each other's tool usual.
    // Unless it is a habit under such mandates: then without this value only.
    const left = alike > HABIT_SHARE * sessions ? own.size : alike;
    const like = sessions - left;
    const use = (using.get(`${kind}|${tool}`)?.size ?? 0) - left;
    const bits =
      like < OTHERS_MIN || origin < ODD_BITS ? 0 : Math.log2((like + 1) / (use + 0.5) / all);
    if (bits > misfit.bits) misfit = { bits: Math.min(MISFIT_MAX, bits), like, use };
  }
  const said = SAYINGS[symbol] ?? `out of what ${named(symbol.slice(2))} answered`;
  const parts = [
    `${named(tool)}, ${placeName(path)}: ${said}, as ${alike} of ${others} other values`,
    ...(sessions.size > 1 ? [`the same in ${sessions.size} sessions of ${mandates} mandates`] : []),
    ...(misfit.bits > 0 ? [`${misfit.use} of ${misfit.like} like mandates use the tool`] : []),
  ];
  return {
    bits: origin + again + misfit.bits,
    trace,
    sessions: sessions.size,
    mandates,
    because: parts.join('; '),
  };
}

const SAYINGS: Readonly<Record<string, string>> = {
  none: 'a value out of nowhere',
  own: 'a value out of an own earlier call',
};

/** Sessions behind all other values of a place, a few of each. */
function supportOf({ support, sessions }: Place, value: string): number {
  return support - Math.min(SUPPORT_MAX, sessions.get(value)?.size ?? 0);
}

/** Values at a place but this one, and how many of them came from where it came from. */
function othersAt(place: Place, symbol: string, value: string): { alike: number; others: number } {
  const values = place.bySymbol.get(symbol);
  const own = values?.has(value) === true ? 1 : 0;
  return { alike: (values?.size ?? 0) - own, others: place.total - own };
}

function plantedShare(symbol: string, tools: number): number {
  if (symbol.startsWith('r:')) return PLANTED.result / tools;
  return symbol === 'own' ? PLANTED.own : PLANTED.none;
}

/** Bits of coming back under another mandate, which values of some places always do. */
function recurrenceBits(
  mandates: number,
  value: string,
  known: readonly Place[],
  recurring: Map<Place, number>,
): number {
  if (mandates < 2) return 0;
  const place = known.find(({ unmandated }) => unmandated.size > OTHERS_MIN) ?? known.at(-1);
  if (place === undefined) return 0;
  let again = recurring.get(place);
  if (again === undefined) {
    again = 0;
    for (const templates of place.unmandated.values()) if (templates.size > 1) again += 1;
    recurring.set(place, again);
  }
  const others = place.unmandated.size - Number(place.unmandated.has(value));
  const share = (Math.max(0, again - 1) + 0.5) / (others + 1);
  return Math.min(RECURRENCES_MAX, mandates - 1) * Math.max(0, Math.log2(0.5 / share));
}

/** An argument's path as a sentence may bear it. */
function placeName(path: string): string {
  return named(path.replaceAll('[]', '').replace('#', ':'));
}

/** The member of a map that holds sets, made where it is not there yet. */
function included<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  const known = sets.get(key);
  if (known !== undefined) return known;
  const fresh = new Set<V>();
  sets.set(key, fresh);
  return fresh;
}
