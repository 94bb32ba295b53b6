/** Effects: everything one step of the pipeline wants recorded, as data. */
import type { AgentChange, AgentSession } from './agent-history.ts';
import type { Bookmark } from './bookmark.ts';
import type { CausalChain } from './chain.ts';
import type {
  Announcement,
  Case,
  Decision,
  Demotion,
  Intention,
  LeaseActivity,
  Verdict,
} from './decision.ts';
import type { Amendment, CoverageGap, DeadLetter, Detection, Notice } from './detection.ts';
import type { LevelWindow } from './evidence.ts';
import type { ObjectiveCount, UsageCount } from './objective.ts';
import type { LearningWindow } from './window.ts';

/** What a reload does to one detector. */
export interface Turn {
  readonly stem: string;
  /** Version that had the say; null: it was not there before. */
  readonly from: string | null;
  /** Version that will have it; null: it is gone. */
  readonly to: string | null;
  /** Event time from which the new version has the say, ms. */
  readonly untilMs: number;
}

/** Detectors that were exchanged while the lane worked. */
export interface Reload {
  /** Who, or what, asked for it. */
  readonly by: string;
  /** Event time, ms. */
  readonly timeMs: number;
  /** How many detectors there are now. */
  readonly detectors: number;
  /** What changed: version hashes, null where there was, or is, none. */
  readonly turns: readonly Turn[];
  /** What changed in power although no version did: maturity, response, exceptions and the like. */
  readonly changes: readonly { readonly subject: string; readonly says: string }[];
}

/** An action that was decided before its turn in event time: detection and decision are provisional. */
export interface EarlyAct {
  readonly detection: Detection;
  readonly decision: Decision;
  /** What it was judged by, as plain JSON. */
  readonly inputs: object;
}

/** What became of an early action when its turn came. */
export interface EarlySettled {
  readonly leaseId: string;
  readonly detectionId: string;
  /** confirmed: the fold decided the same · withdrawn: it did not, and the lease is released. */
  readonly outcome: 'confirmed' | 'withdrawn';
  /** One sentence for people. */
  readonly reason: string;
  /** Event time, ms. */
  readonly timeMs: number;
}

/** What a step found, decided and intends. Order within each list is the order decided. */
export interface Effects {
  readonly detections: Detection[];
  readonly amendments: Amendment[];
  readonly cases: Case[];
  readonly decisions: Decision[];
  /** What each was judged by, as plain JSON; some have none: they carry on with one that has. */
  readonly decisionInputs: { readonly decisionId: string; readonly inputs: object }[];
  readonly intentions: Intention[];
  /** What was found and decided before its turn; its intention is among the others. */
  readonly early: EarlyAct[];
  /** What the fold said of it when its turn came. */
  readonly settled: EarlySettled[];
  readonly coverage: CoverageGap[];
  readonly notices: Notice[];
  readonly deadLetters: DeadLetter[];
  readonly activity: LeaseActivity[];
  /** Learning windows that governance opened. */
  readonly windows: LearningWindow[];
  readonly reloads: Reload[];
  /** What objectives and usage are to grow by. Filled when the commit is made. */
  readonly objectiveCounts: ObjectiveCount[];
  readonly usage: UsageCount[];
  /** Hours that were completed, by source and agent. Filled when the commit is made. */
  readonly levels: LevelWindow[];
  /** Ids of operator requests that took effect. */
  readonly operatorRequests: string[];
  /** Which case a detection belongs to; a folded one belongs to two. */
  readonly members: { readonly caseId: string; readonly detectionId: string }[];
  readonly announcements: Announcement[];
  readonly chains: CausalChain[];
  readonly verdicts: Verdict[];
  readonly demotions: Demotion[];
  /** Sessions that were closed, by role: live units. */
  readonly closedUnits: { readonly role: string; readonly units: number }[];
  /** What governance said of agents, and sessions it opened or closed. */
  readonly agentChanges: AgentChange[];
  readonly agentSessions: AgentSession[];
}

/** An empty set of effects. */
export function noEffects(): Effects {
  return {
    detections: [],
    amendments: [],
    cases: [],
    decisions: [],
    decisionInputs: [],
    intentions: [],
    early: [],
    settled: [],
    coverage: [],
    notices: [],
    deadLetters: [],
    activity: [],
    windows: [],
    reloads: [],
    objectiveCounts: [],
    usage: [],
    levels: [],
    operatorRequests: [],
    members: [],
    announcements: [],
    chains: [],
    verdicts: [],
    demotions: [],
    closedUnits: [],
    agentChanges: [],
    agentSessions: [],
  };
}

/** How far one partition has been processed and kept. */
export interface LanePosition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record that recovery must read again. */
  readonly low: number;
  /** Offset one past the last record processed. */
  readonly next: number;
  /** The last record processed, to know the log again by. Absent: none yet, or of a store without. */
  readonly bookmark?: Bookmark;
  /** Which log of this name it is, from 1. Absent: the first. */
  readonly incarnation?: number;
}

/** State of a lane as the store keeps it: pages, and deltas newer than their page. */
export interface LaneState {
  readonly positions: readonly LanePosition[];
  readonly pages: readonly {
    readonly page: number;
    readonly uptoSeq: number;
    readonly bytes: Buffer;
  }[];
  readonly deltas: readonly { readonly seq: number; readonly bytes: Buffer }[];
  /** Highest delta sequence ever written, 0 for a new lane. */
  readonly seq: number;
}

/** Some of a lane's stored state: every page comes before the first delta, and deltas come in order. */
export type StoredParts = Pick<LaneState, 'pages' | 'deltas'>;

/** What one commit writes. */
export interface LaneCommit {
  /** Positions that moved: from what is stored to what is to be stored. */
  readonly moves: readonly { readonly from: number; readonly to: LanePosition }[];
  /** Changed entities as bytes; null where none changed. */
  readonly delta: Buffer | null;
  /** Pages rewritten in full with this commit. */
  readonly pages: readonly { readonly page: number; readonly bytes: Buffer }[];
  readonly effects: Effects;
  /** Effective watermark, ms; what "now" is for decisions. */
  readonly watermarkMs: number;
  /** Cumulative counters of the lane, for `status`. */
  readonly counters: Readonly<Record<string, number>>;
}
