/** A lane's store in memory: keeps what commits write, and refuses what a real one refuses. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { CausalChain } from '../../src/model/chain.ts';
import type {
  Announcement,
  Case,
  Decision,
  Demotion,
  Intention,
  Verdict,
} from '../../src/model/decision.ts';
import type { Amendment, CoverageGap, Detection, Notice } from '../../src/model/detection.ts';
import type {
  EarlyAct,
  EarlySettled,
  LaneCommit,
  LanePosition,
  LaneState,
} from '../../src/model/effects.ts';
import { PAGES } from '../../src/state/slots.ts';

/** What was written so far. Findings are copies: later changes inside the core do not show. */
export interface LaneStore {
  readonly detections: ReadonlyMap<string, Detection>;
  readonly decisions: ReadonlyMap<string, Decision>;
  readonly intentions: ReadonlyMap<string, Intention>;
  /** What was decided before its turn, and what became of it; by lease. */
  readonly early: ReadonlyMap<string, EarlyAct>;
  readonly settled: ReadonlyMap<string, EarlySettled>;
  readonly cases: ReadonlyMap<string, Case>;
  /** `case detection`, each once. */
  readonly members: ReadonlySet<string>;
  readonly announcements: ReadonlyMap<string, Announcement>;
  readonly chains: ReadonlyMap<string, CausalChain>;
  readonly verdicts: readonly Verdict[];
  readonly demotions: readonly Demotion[];
  /** Closed sessions by role. */
  readonly units: ReadonlyMap<string, number>;
  readonly coverage: ReadonlyMap<string, CoverageGap>;
  readonly amendments: readonly Amendment[];
  readonly notices: readonly Notice[];
  readonly deadLetters: readonly { readonly reason: string; readonly detail: string }[];
  /** Rows of gateway activity under leases, as text. */
  readonly activity: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  readonly watermarkMs: number | null;
  /** Bytes of state a recovery would read. */
  readonly bytes: number;
  /** What a lane that takes over is given. */
  load(): LaneState;
  /**
   * Writes a commit as one transaction. Throws where a position does not continue from what is
   * stored, or where a finding, decision or intention is written a second time.
   */
  apply(commit: LaneCommit): void;
}

interface Kept {
  readonly positions: Map<string, LanePosition>;
  readonly pages: Map<number, { page: number; uptoSeq: number; bytes: Buffer }>;
  deltas: { seq: number; bytes: Buffer }[];
  seq: number;
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function writeOnce<T>(into: Map<string, T>, what: string, id: string, value: T): void {
  assert.ok(!into.has(id), `${what} ${id} was written before`);
  into.set(id, copy(value));
}

/** Positions may only go on from what is stored: the fence a real store has. */
function move(kept: Kept, { moves }: LaneCommit): void {
  for (const { from, to } of moves) {
    const key = `${to.topic}/${to.partition}`;
    const stored = kept.positions.get(key)?.next ?? 0;
    assert.equal(from, stored, `${key} moves from ${from}, but ${stored} is stored`);
    assert.ok(to.low <= to.next, `${key}: low ${to.low} lies behind next ${to.next}`);
    kept.positions.set(key, { ...to });
  }
}

function textOf({ moves, effects, counters, watermarkMs, delta, pages }: LaneCommit): string {
  const sums = [delta, ...pages.map(({ bytes }) => bytes)].map((bytes) =>
    bytes === null ? null : crc32(bytes),
  );
  return JSON.stringify([moves, effects, counters, watermarkMs, sums]);
}

/** Keeps the delta and the pages; drops deltas that every page contains. */
function keepState(kept: Kept, { delta, pages }: LaneCommit): void {
  if (delta !== null) {
    kept.seq += 1;
    kept.deltas.push({ seq: kept.seq, bytes: Buffer.from(delta) });
  }
  for (const { page, bytes } of pages)
    kept.pages.set(page, { page, uptoSeq: kept.seq, bytes: Buffer.from(bytes) });
  if (kept.pages.size < PAGES) return;
  const oldest = Math.min(...[...kept.pages.values()].map(({ uptoSeq }) => uptoSeq));
  kept.deltas = kept.deltas.filter(({ seq }) => seq > oldest);
}

/** An empty store. */
export function createLaneStore(): LaneStore {
  const kept: Kept = { positions: new Map(), pages: new Map(), deltas: [], seq: 0 };
  const detections = new Map<string, Detection>();
  const decisions = new Map<string, Decision>();
  const intentions = new Map<string, Intention>();
  const early = new Map<string, EarlyAct>();
  const settled = new Map<string, EarlySettled>();
  const cases = new Map<string, Case>();
  const members = new Set<string>();
  const announcements = new Map<string, Announcement>();
  const chains = new Map<string, CausalChain>();
  const verdicts: Verdict[] = [];
  const demotions: Demotion[] = [];
  const units = new Map<string, number>();
  const coverage = new Map<string, CoverageGap>();
  const amendments: Amendment[] = [];
  const notices: Notice[] = [];
  const deadLetters: { reason: string; detail: string }[] = [];
  const activity: string[] = [];
  let counters: Readonly<Record<string, number>> = {};
  let watermarkMs: number | null = null;
  /** The commit before, as it was: a real store may still be writing it while the core goes on. */
  let before: { readonly commit: LaneCommit; readonly text: string } | null = null;
  return {
    ...{ detections, decisions, intentions, early, settled, cases, coverage },
    ...{ members, announcements, chains, verdicts, demotions, units },
    ...{ amendments, notices, deadLetters, activity },
    get counters() {
      return counters;
    },
    get watermarkMs() {
      return watermarkMs;
    },
    get bytes() {
      const all = [...kept.pages.values(), ...kept.deltas];
      return all.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    load: () => ({
      positions: [...kept.positions.values()],
      pages: [...kept.pages.values()],
      deltas: [...kept.deltas],
      seq: kept.seq,
    }),
    apply(commit) {
      const { effects } = commit;
      if (before !== null)
        assert.equal(textOf(before.commit), before.text, 'a commit changed after it was taken');
      before = { commit, text: textOf(commit) };
      move(kept, commit);
      keepState(kept, commit);
      for (const each of effects.detections) writeOnce(detections, 'detection', each.id, each);
      for (const each of effects.decisions) writeOnce(decisions, 'decision', each.id, each);
      for (const each of effects.intentions) writeOnce(intentions, 'intention', each.key, each);
      for (const each of effects.early)
        writeOnce(early, 'early lease', each.decision.leaseId ?? '', each);
      for (const each of effects.settled) writeOnce(settled, 'settlement', each.leaseId, each);
      for (const each of effects.cases) cases.set(each.id, copy(each));
      for (const { caseId, detectionId } of effects.members)
        members.add(`${caseId} ${detectionId}`);
      for (const each of effects.announcements)
        writeOnce(announcements, 'announcement', each.id, each);
      for (const each of effects.chains) chains.set(each.caseId, copy(each));
      verdicts.push(...effects.verdicts.map(copy));
      demotions.push(...effects.demotions.map(copy));
      for (const { role, units: n } of effects.closedUnits)
        units.set(role, (units.get(role) ?? 0) + n);
      for (const each of effects.coverage) coverage.set(each.id, copy(each));
      amendments.push(...effects.amendments.map(copy));
      notices.push(...effects.notices.map(copy));
      for (const { reason, detail } of effects.deadLetters) deadLetters.push({ reason, detail });
      for (const { leaseId, eventId, allowed } of effects.activity)
        activity.push(`${leaseId} ${eventId} ${allowed}`);
      assert.ok(
        watermarkMs === null || commit.watermarkMs >= watermarkMs,
        'the watermark went back',
      );
      watermarkMs = commit.watermarkMs;
      counters = { ...commit.counters };
    },
  };
}
