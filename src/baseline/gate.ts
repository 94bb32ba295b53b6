/** The gate: which units may enter a baseline; nothing is learnt from what is suspected. */
import { countAtLeast } from '../stats/conformal.ts';

/** e of about 10 at 2,000 calibration scores; costs about .35 % of clean units (statistics §9). */
export const GATE_P = 0.0035;

/** Assumed: so many of a window's sessions are planted, before anything is known of them. */
const PLANTED = 0.01;
/** A session stays out where it is planted with at least this chance: learning one costs more. */
const PLANTED_CHANCE = 0.2;
/** What a foreign value must weigh to keep its sessions out, bits of evidence: 4.6. */
export const FOREIGN_BITS = Math.log2(
  ((1 - PLANTED) / PLANTED) * (PLANTED_CHANCE / (1 - PLANTED_CHANCE)),
);

/** Below so many sessions the quantiles say nothing: ranks alone. */
const GENESIS_MIN = 20;

/** A unit at the gate. */
export interface GateUnit {
  readonly session: string;
  readonly agent: string;
  /** Event time of its first and its last item, ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /**
   * p of `joint` against the previous baseline; in a governance window over the dimensions the
   * change does not name. Null where it could not be scored.
   */
  readonly p: number | null;
  /** The same against the role; null where there is none above. */
  readonly roleP: number | null;
  /** p among peers in the same rollout on the dimensions the change names; null outside a window. */
  readonly peerP: number | null;
  /** Scores those p rest on, the fewest. */
  readonly calibration: number;
  /** Alert accumulator of its agent when it closed, and its threshold; null where none runs. */
  readonly alertR: number | null;
  readonly alertA: number | null;
  /** A finding of hard evidence names this session. */
  readonly hardEvidence: boolean;
  /** Its most telling foreign value, bits; null where it has none. */
  readonly foreignBits: number | null;
  /** What it has in common with others, as `unitTraces` makes them. */
  readonly traces: readonly string[];
}

/** A firing not judged false: from its change point on what bears its trace is quarantined. */
export interface Firing {
  readonly agent: string;
  readonly changePointMs: number;
  /** As `firingTraces` makes them; null where it leaves none: then all its agent does is suspect. */
  readonly traces: readonly string[] | null;
}

/** Why a unit stays out. */
export const EXCLUSIONS = [
  'hard-evidence',
  'quarantined',
  'agent-under-alert',
  'foreign-value',
  'improbable',
  'improbable-for-role',
  'improbable-among-peers',
  'unscored',
] as const;
/** One of EXCLUSIONS. */
export type Exclusion = (typeof EXCLUSIONS)[number];

/** What the gate let in and what it kept out, in the order given. */
export interface Gated {
  readonly admitted: readonly string[];
  readonly excluded: readonly { readonly session: string; readonly reason: Exclusion }[];
}

/** The least p that enters: no rank of `n` scores can be below 1/(n + 1). */
export function gateP(n: number): number {
  return Math.max(GATE_P, 1 / (n + 1));
}

/** Lets units in or keeps them out. Sessions of which one unit stays out stay out as a whole. */
export function gate(units: readonly GateUnit[], firings: readonly Firing[]): Gated {
  const reasons = new Map<string, Exclusion>();
  for (const unit of units) {
    const reason = exclusionOf(unit, firings);
    const known = reasons.get(unit.session);
    if (reason === null) continue;
    if (known === undefined || EXCLUSIONS.indexOf(reason) < EXCLUSIONS.indexOf(known))
      reasons.set(unit.session, reason);
  }
  const admitted: string[] = [];
  const excluded: { session: string; reason: Exclusion }[] = [];
  for (const session of new Set(units.map((unit) => unit.session))) {
    const reason = reasons.get(session);
    if (reason === undefined) admitted.push(session);
    else excluded.push({ session, reason });
  }
  return { admitted, excluded };
}

/** Why this unit stays out, the gravest reason; null where it may enter. */
export function exclusionOf(unit: GateUnit, firings: readonly Firing[]): Exclusion | null {
  const { p, roleP, peerP, alertR, alertA, foreignBits } = unit;
  const least = gateP(unit.calibration);
  if (unit.hardEvidence) return 'hard-evidence';
  if (firings.some((one) => isQuarantined(unit, one))) return 'quarantined';
  if (alertR !== null && alertA !== null && !(alertR < alertA)) return 'agent-under-alert';
  if (foreignBits !== null && !(foreignBits < FOREIGN_BITS)) return 'foreign-value';
  if (p === null && roleP === null) return 'unscored';
  if (p !== null && !(p > least)) return 'improbable';
  if (roleP !== null && !(roleP > least)) return 'improbable-for-role';
  // Ranks among a handful of peers say little: only what their number can carry is refused.
  if (peerP !== null && !(peerP > GATE_P)) return 'improbable-among-peers';
  return null;
}

/**
 * Does this firing keep the unit out? A unit that runs across the change point is on its far side: what
 * began may have begun in it. Of the agent's later units those that bear none of its traces go on being
 * learnt: an attacker who can raise one alert must not be able to stop an agent's learning with it.
 */
function isQuarantined({ agent, toMs, traces }: GateUnit, firing: Firing): boolean {
  if (firing.agent !== agent || !(toMs >= firing.changePointMs)) return false;
  const { traces: wanted } = firing;
  return wanted === null || traces.some((trace) => wanted.includes(trace));
}

/** A foreign value as the gate knows it. */
interface Telling {
  readonly bits: number;
  readonly trace: string;
}

/** Traces of a unit: of every foreign value however weak, and of the tools it called. */
export function unitTraces(values: readonly Telling[], tools: Iterable<string>): string[] {
  return [...new Set([...values.map(({ trace }) => trace), ...[...tools].map(toolTrace)])];
}

/**
 * What later units have to share with one that was alerted to be kept out with it: a foreign value that
 * would keep it out by itself; else the tool the alert names; null where there is neither.
 */
export function firingTraces(values: readonly Telling[], tool: string | null): string[] | null {
  const telling = values.filter(({ bits }) => bits >= FOREIGN_BITS).map(({ trace }) => trace);
  if (telling.length > 0) return telling;
  return tool === null ? null : [toolTrace(tool)];
}

function toolTrace(tool: string): string {
  return `tool ${tool}`;
}

/**
 * p among peers in the same rollout, valid under drift common to all as long as peers are
 * exchangeable: the share of peers at least as strange, oneself included.
 * @example peerP(3, [1, 2, 5]) // 0.5
 */
export function peerP(own: number, peers: readonly number[]): number {
  return (1 + peers.filter((peer) => peer >= own).length) / (peers.length + 1);
}

/**
 * p of each session of a window that has no predecessor, from scores that leave the session itself
 * out. Ranks alone could keep out no more than .35 % whatever is planted, so beyond the ninth decile
 * p follows an exponential tail whose scale is read off the quantiles from .8 to .95, which a few
 * planted sessions in a hundred hardly move. In (0, 1]; a gate, never evidence. Its limit: sessions
 * planted as often as honest rarities, and no stranger than those, look like them in a window of
 * their own. Hard evidence, the role and the reviewer stand behind it.
 */
export function genesisP(scores: ReadonlyMap<string, number>): Map<string, number> {
  const sorted = Float64Array.from(scores.values()).sort();
  const n = sorted.length;
  const result = new Map<string, number>();
  const at = (share: number): number => sorted[Math.min(n - 1, Math.floor(share * n))] ?? 0;
  const tail = at(0.9);
  // The larger of the two: an honest heavy tail shows in the later one, a lump hides in either.
  const scale = Math.max(tail - at(0.8), at(0.95) - tail) / Math.LN2;
  for (const [session, score] of scores) {
    const rank = (1 + countAtLeast(sorted, score)) / (n + 1);
    const isBeyond = score > tail && n >= GENESIS_MIN;
    const p = isBeyond && scale > 0 ? 0.1 * Math.exp((tail - score) / scale) : rank;
    result.set(session, Math.min(1, rank, Math.max(p, Number.MIN_VALUE)));
  }
  return result;
}
