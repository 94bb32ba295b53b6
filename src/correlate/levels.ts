/** Levels: how much content each source carries of each agent, hour by hour of event time. */
import type { NoticeCode } from '../model/detection.ts';
import { EVIDENCE_LEVELS, type Event, type EvidenceLevel } from '../model/event.ts';
import type { LevelWindow } from '../model/evidence.ts';
import { naming } from '../state/names.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { keyOf } from './session.ts';

const HOUR_MS = 3_600_000;
/** Events an hour must have before it is compared: fewer are a few odd records. */
const EVENTS_MIN = 20;
/** Pairs of source and agent that are measured; beyond, one that was quiet longest is forgotten. */
const PAIRS_MAX = 200_000;

/** Entities of agents (`Va`) and of sources (`Vs`). */
const AGENTS = 'Va';
const SOURCES = 'Vs';

/** What is known of one source, or of one agent in it. */
interface Measured extends Entity {
  /** Number of the hour that is counted. */
  hour: number;
  /** Events of that hour by level. */
  counts: [number, number, number, number];
  /** Rank of the level that most events of the last hour with enough of them had; null: none was. */
  usual: number | null;
  /** Hour of that. */
  usualHour: number;
  /** Last hour in which the usual level fell; sources only. */
  fellHour?: number;
}

/** Measures levels. Equal sets of events in canonical order give equal notices. */
export interface Levels {
  /** Counts a folded event; `late` ones belong to hours that may be closed, and are left out. */
  see(event: Event, tenant: string, agent: string, late: boolean): void;
  /** Hours that were completed since the last call. */
  takeWindows(): readonly LevelWindow[];
}

/**
 * Says `evidence.dropped` where the usual level of a source falls, or that of one agent alone. An hour
 * ends with the first record of a later one from the same source; a source that falls silent drops nothing.
 */
export function createLevels(
  slots: Slots,
  notice: (code: NoticeCode, subject: string, detail: string, ms: number) => void,
): Levels {
  slots.rests(AGENTS);
  let windows: LevelWindow[] = [];
  const see: Levels['see'] = (event, tenant, agent, late) => {
    if (late || !carriesContent(event)) return;
    const source = event.src.name;
    const hour = Math.floor(event.time.eventMs / HOUR_MS);
    const level = EVIDENCE_LEVELS.indexOf(event.evidence?.level ?? 'L0');
    const whole = entityIn(slots, SOURCES, source, hour);
    if (hour > whole.hour) {
      const before = whole.usual;
      const said = turn(whole, hour);
      if (said !== null) {
        whole.fellHour = said.hour;
        notice('evidence.dropped', source, detailOf('all of it', before, said), endOf(said.hour));
      }
    }
    add(slots, SOURCES, source, whole, hour, level);
    const key = pairOf(source, keyOf(tenant, agent));
    const own = entityIn(slots, AGENTS, key, hour);
    if (hour > own.hour) {
      windows.push({ source, tenant, agent, hourMs: own.hour * HOUR_MS, counts: [...own.counts] });
      const { usual, usualHour } = own;
      const said = turn(own, hour);
      // What befell the whole source is said once, of the source.
      const isShared = whole.fellHour !== undefined && whole.fellHour > usualHour;
      if (said !== null && !isShared) {
        const detail = detailOf(`agent ${agent}`, usual, said);
        notice('evidence.dropped', `${source}/${agent}`, detail, endOf(said.hour));
      }
    }
    add(slots, AGENTS, key, own, hour, level);
  };
  return {
    see,
    takeWindows: () => {
      const taken = windows;
      windows = [];
      return taken;
    },
  };
}

/** Calls and turns can carry content; other records never did, and say nothing of a loss. */
function carriesContent({ kind, category }: Event): boolean {
  if (kind === 'gateway') return category === 'tool_call';
  return kind === 'reasoning' && (category === 'model_call' || category === 'intent');
}

function entityIn(slots: Slots, space: string, key: string, hour: number): Measured {
  const known = slots.get<Measured>(space, key);
  if (known !== undefined) return known;
  if (slots.count(space) >= PAIRS_MAX) forgetOne(slots, space);
  const made: Measured = { hour, counts: [0, 0, 0, 0], usual: null, usualHour: -1 };
  slots.put(space, key, made);
  return made;
}

/** The one of a sample that was quiet longest. Forgetting it costs a comparison, no finding. */
function forgetOne(slots: Slots, space: string): void {
  let victim: readonly [string, Measured] | undefined;
  for (const one of slots.sample<Measured>(space, 16))
    if (victim === undefined || one[1].hour < victim[1].hour) victim = one;
  if (victim !== undefined) slots.remove(space, victim[0]);
}

function add(
  slots: Slots,
  space: string,
  key: string,
  measured: Measured,
  hour: number,
  level: number,
): void {
  if (hour !== measured.hour) return;
  measured.counts[level] = (measured.counts[level] as number) + 1;
  slots.touch(space, key);
}

/** One text for each pair: it is looked up for every event. */
const pairOf = naming((source, agent) => `${source}\u0000${agent}`);

interface Fall {
  readonly hour: number;
  readonly level: number;
  readonly share: number;
}

/** Closes the hour and begins another; the fall of the usual level, or null where it did not fall. */
function turn(measured: Measured, hour: number): Fall | null {
  const { counts, usual, hour: closed } = measured;
  const total = counts.reduce((sum, count) => sum + count, 0);
  measured.counts = [0, 0, 0, 0];
  measured.hour = hour;
  if (total < EVENTS_MIN) return null;
  // Of equally many the higher: a tie is no fall.
  const level = counts.reduce(
    (best, count, at) => (count >= (counts[best] as number) ? at : best),
    0,
  );
  measured.usual = level;
  measured.usualHour = closed;
  if (usual === null || level >= usual) return null;
  return { hour: closed, level, share: (counts[level] as number) / total };
}

const endOf = (hour: number) => (hour + 1) * HOUR_MS;

function detailOf(what: string, before: number | null, { level, share }: Fall): string {
  const named = (rank: number) => EVIDENCE_LEVELS[rank] as EvidenceLevel;
  const percent = Math.round(share * 100);
  return `${what}: ${named(level)} in ${percent} % of the calls and turns of an hour, where ${named(before ?? 0)} was usual`;
}
