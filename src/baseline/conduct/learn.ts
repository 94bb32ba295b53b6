/** Learning conduct: basis, rehearsals, models and held-out scores from accepted units. */
import { isChanging, type UnitRecord } from '../../model/unit.ts';
import type { Json } from '../dimension.ts';
import { basisDocument, learnBasis } from './basis.ts';
import { type ConductLevel, Measure } from './features.ts';
import { CHANGING, type Genuine, learnModel, type Mode, type Row } from './fit.ts';
import { readCall } from './reading.ts';
import { isAim, type Rehearsed, rehearse, stockOf, type Uniform, uniformOf } from './rehearsal.ts';
import { hear, newState, remember, templateOf } from './state.ts';

/** What was learnt. */
export interface ConductLearnt {
  /** For `compileConduct`. */
  readonly document: Json;
  /** Ascending held-out scores of accepted units by cell: `L3/seen`, `L3/unseen`, `L2/seen`, … */
  readonly calibration: Readonly<Record<string, readonly number[]>>;
}

/** How it is learnt. */
export interface ConductOptions {
  readonly seed: number;
  /** Told of each part of the work. */
  readonly progress?: (what: string) => void;
}

/** Newest units that are learnt from: training grows with them, knowledge hardly does. */
const UNITS_MAX = 2_000;
const UNITS_MIN = 60;
const TEMPLATES_MIN = 4;
const AGENT_FOLDS = 5;
const TEMPLATE_FOLDS_MAX = 10;
/** About so many hijacks are rehearsed, two to eight a unit, and a quarter as many ignored ones. */
const REHEARSALS = 2_800;
/** Share of hijacks whose aim is drawn evenly over tools: an attacker chooses by effect, not by use. */
const EVEN: Readonly<Record<Mode, number>> = { seen: 0.3, unseen: 0.6 };
/** Calls on the way to the aim are often innocent; what a hijacked session does else nearly always. */
const WEIGHT = { genuine: 1, ignored: 1, host: 0.3, way: 0.15, aim: 1 };
/**
 * Held-out scores of mandates that were learnt, with texts, count this much higher, nats. They come out
 * of the same weeks and the same mails as the basis; what agents read next week is newer than that.
 */
const SAME_WORLD = 1;

/**
 * Learns from the accepted units of a whole fleet, once: the basis conditions on roles inside. Null
 * where there is too little: fewer than 60 units with calls, or four mandate templates.
 * Deterministic: equal units in equal order and an equal seed give an equal document.
 */
export function learnConduct(
  given: readonly UnitRecord[],
  options: ConductOptions,
): ConductLearnt | null {
  const acting = given.filter(({ items }) => items.some(({ type }) => type === 'call'));
  const units = acting.slice(-UNITS_MAX);
  if (units.length < acting.length)
    options.progress?.(`learnt from the last ${UNITS_MAX} of ${acting.length} units with calls`);
  const templates = new Set(units.map(({ head }) => templateOf(head)));
  if (units.length < UNITS_MIN || templates.size < TEMPLATES_MIN) return null;
  const document: Record<string, Json> = {};
  const calibration: Record<string, readonly number[]> = {};
  for (const level of ['L3', 'L2'] as const) {
    const visible = level === 'L3' ? units : units.map(withheld);
    const learnt = learnLevel(visible, level, options);
    document[level] = learnt.document;
    for (const mode of ['seen', 'unseen'] as const) {
      const slack = level === 'L3' && mode === 'seen' ? SAME_WORLD : 0;
      calibration[`${level}/${mode}`] = learnt.scores[mode].map((score) => score + slack);
    }
  }
  return { document, calibration };
}

/** A unit as it looks without result bodies and reasoning text. */
function withheld(unit: UnitRecord): UnitRecord {
  const items = unit.items.map((item) =>
    item.type === 'call'
      ? { ...item, result: null }
      : item.type === 'say'
        ? { ...item, text: null }
        : item,
  );
  return { ...unit, items };
}

function learnLevel(
  units: readonly UnitRecord[],
  level: ConductLevel,
  { seed, progress }: ConductOptions,
): { document: Json; scores: Record<Mode, number[]> } {
  const uniform = uniformOf(seed);
  const folds: Record<Mode, readonly number[]> = {
    seen: foldsBy(units, ({ head }) => head.agent, AGENT_FOLDS),
    unseen: foldsBy(units, ({ head }) => String(templateOf(head)), TEMPLATE_FOLDS_MAX),
  };
  const rows: Row[] = [];
  const genuine: Genuine[] = [];
  for (const mode of ['unseen', 'seen'] as const) {
    progress?.(`${level}: rehearsing for mandates that were ${mode}`);
    gatherRows(units, folds[mode], { level, mode, uniform }, rows, genuine);
  }
  const mandates = new Set(units.map(({ head }) => templateOf(head))).size;
  const learn = (mode: Mode) =>
    learnModel({
      ...{ mode, mandates, seed, fold: folds[mode] },
      genuine: genuine.filter((one) => one.mode === mode),
      rows: rows.filter((row) =>
        // Rehearsals under known mandates teach the other model too, by the column `template-seen`.
        mode === 'seen' ? row.mode === 'seen' : row.x[CHANGING] === 1,
      ),
      progress: (part, of) =>
        progress?.(`${level}: calibrating for mandates that were ${mode}, part ${part} of ${of}`),
    });
  const [seen, unseen] = [learn('seen'), learn('unseen')];
  return {
    document: {
      basis: basisDocument(learnBasis(units)),
      seen: seen.model as unknown as Json,
      unseen: unseen.model as unknown as Json,
    },
    scores: { seen: seen.scores, unseen: unseen.scores },
  };
}

/** Units by fold: what shares a key shares a fold. */
function foldsBy(
  units: readonly UnitRecord[],
  keyOf: (unit: UnitRecord) => string,
  most: number,
): number[] {
  const keys = [...new Set(units.map(keyOf))].sort();
  const fold = new Map(keys.map((key, at) => [key, at % Math.min(most, keys.length)]));
  return units.map((unit) => fold.get(keyOf(unit)) as number);
}

/** Rows of one mode: each fold is measured against a basis that was learnt without it. */
function gatherRows(
  units: readonly UnitRecord[],
  fold: readonly number[],
  { level, mode, uniform }: { level: ConductLevel; mode: Mode; uniform: Uniform },
  rows: Row[],
  genuine: Genuine[],
): void {
  const made = rehearsals(units, mode, uniform);
  const last = Math.max(...fold);
  for (let k = 0; k <= last; k += 1) {
    const basis = learnBasis(units.filter((_, at) => fold[at] !== k));
    const measure = new Measure(basis);
    units.forEach((unit, host) => {
      if (fold[host] !== k) return;
      const own = measured(unit, measure, level);
      genuine.push({ host, mode, rows: own.map(({ x }) => x) });
      for (const { x } of own)
        rows.push({ x, y: 0, weight: WEIGHT.genuine, host, donor: host, mode });
      for (const { rehearsed, donor } of made[host] ?? [])
        for (const { x, item } of measured(rehearsed.unit, measure, level)) {
          const isSpliced = rehearsed.spliced.has(item);
          rows.push({
            x,
            y: isSpliced ? 1 : 0,
            weight: weightOf(rehearsed, item, isSpliced),
            host,
            donor,
            mode,
          });
        }
    });
  }
}

function weightOf({ kind, aim }: Rehearsed, item: unknown, isSpliced: boolean): number {
  if (kind === 'ignored') return WEIGHT.ignored;
  if (!isSpliced) return WEIGHT.host;
  return item === aim ? WEIGHT.aim : WEIGHT.way;
}

/** Rows of a unit's calls, in order. */
function measured(
  unit: UnitRecord,
  measure: Measure,
  level: ConductLevel,
): { x: Float64Array; item: UnitRecord['items'][number] }[] {
  const state = newState(unit.head);
  const found: { x: Float64Array; item: UnitRecord['items'][number] }[] = [];
  for (const item of unit.items) {
    if (item.type !== 'call') hear(state, item);
    else if (!item.ours) {
      const call = readCall(item);
      found.push({ x: measure.row(state, call, level), item });
      remember(state, call, item);
    }
  }
  return found;
}

/** Rehearsals of every unit as host, with the donor of each. */
function rehearsals(
  units: readonly UnitRecord[],
  mode: Mode,
  uniform: Uniform,
): { rehearsed: Rehearsed; donor: number }[][] {
  const stock = stockOf(units);
  const byTool = donorsByTool(units);
  const each = Math.min(8, Math.max(2, Math.round(REHEARSALS / units.length)));
  const templates = units.map(({ head }) => templateOf(head));
  return units.map((host, at) => {
    const made: { rehearsed: Rehearsed; donor: number }[] = [];
    for (let k = 0; k < each; k += 1) {
      const { donor, tool } = drawDonor(
        units,
        { at, templates, byTool, even: EVEN[mode] },
        uniform,
      );
      const parts = { host, donor: units[donor] as UnitRecord, tool };
      const hijack = rehearse(uniform, stock, parts, 'hijack');
      if (hijack !== null) made.push({ rehearsed: hijack, donor });
      const ignored = k < 2 ? rehearse(uniform, stock, parts, 'ignored') : null;
      if (ignored !== null) made.push({ rehearsed: ignored, donor });
    }
    return made;
  });
}

type ByTool = ReadonlyMap<string, readonly (readonly [tool: string, donors: readonly number[]])[]>;

/** Role → changing tools → units that called them with values. */
function donorsByTool(units: readonly UnitRecord[]): ByTool {
  const roles = new Map<string, Map<string, number[]>>();
  units.forEach(({ head, items }, at) => {
    const tools = roles.get(head.role ?? '') ?? new Map<string, number[]>();
    roles.set(head.role ?? '', tools);
    for (const item of items) {
      if (!isAim(item) || !isChanging(item.toolClass)) continue;
      const donors = tools.get(item.tool) ?? [];
      tools.set(item.tool, donors);
      if (donors[donors.length - 1] !== at) donors.push(at);
    }
  });
  return new Map([...roles].map(([role, tools]) => [role, [...tools]]));
}

function drawDonor(
  units: readonly UnitRecord[],
  from: { at: number; templates: readonly number[]; byTool: ByTool; even: number },
  uniform: Uniform,
): { donor: number; tool: string | null } {
  const role = units[from.at]?.head.role ?? '';
  const tools = from.byTool.get(role) ?? [];
  let drawn: { donor: number; tool: string | null } = { donor: from.at, tool: null };
  for (let attempt = 0; attempt < 50; attempt += 1) {
    drawn = { donor: Math.floor(uniform() * units.length), tool: null };
    if (tools.length > 0 && uniform() < from.even) {
      const [tool, donors] = tools[Math.floor(uniform() * tools.length)] as (typeof tools)[number];
      drawn = { donor: donors[Math.floor(uniform() * donors.length)] as number, tool };
    }
    const same = from.templates[drawn.donor] === from.templates[from.at];
    if (!same && (units[drawn.donor]?.head.role ?? '') === role) break;
  }
  return drawn;
}
