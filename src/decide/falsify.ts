/** Falsification: which innocent explanations were tested before acting, with what result. */
import type { Falsification, Verb } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Kind } from '../model/event.ts';
import type { StandingLease } from './standing.ts';

/** A window that is open for the agent, its role or the fleet when something is decided. */
export interface OpenWindow {
  /** learning: a signed change put dimensions out of force · change: governance announced work. */
  readonly type: 'learning' | 'change';
  /** What permits it, or whom it is about: names it to people. */
  readonly name: string;
  /** Tools it is about; null: it names none. */
  readonly tools: readonly string[] | null;
  /** Event times, ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the spine knows that could explain a detection away. */
export interface Circumstances {
  /** Books the detector needs that are blind at this moment. */
  readonly blindNow: readonly Kind[];
  /** Last change governance made to the agent's grants, policy or approvals, ms; null = never. */
  readonly changedMs: number | null;
  /** Windows that are open for the agent, its role or the fleet at the time of the evidence. */
  readonly windows: readonly OpenWindow[];
  /** Standing leases against the agent. */
  readonly leases: readonly Pick<StandingLease, 'leaseId' | 'verb' | 'subject' | 'issuedMs'>[];
  /** Event ids of witnesses of the detection that are refusals by a lease of ours. */
  readonly refusedByUs: ReadonlySet<string>;
  /** Agents of the role that fired alike within the hour, where it is a fleet case. */
  readonly shared: { readonly agents: number; readonly of: number } | null;
  /** The rung that was asked for and that nobody carried out; absent: none was. */
  readonly above?: Verb | null;
  /** On whose behalf the session works: no approver of what is done against it. Absent: nobody known. */
  readonly principal?: string | null;
}

const JUST_BEFORE_MS = 60_000;
const NAMED_MAX = 4;

/** Tests each explanation, whatever the others say. One that `holds` caps the decision at alert. */
export function falsify(detection: Detection, circumstances: Circumstances): Falsification[] {
  return [
    sourceOutage(detection, circumstances),
    lateRecords(detection),
    declaredChange(detection, circumstances),
    openWindow(detection, circumstances),
    peerShift(detection, circumstances),
    ownAction(detection, circumstances),
    // What an exception excuses never comes this far; that it was looked for is written down.
    { explanation: 'known-exception', verdict: 'ruled-out', data: 'no exception in force matches' },
  ];
}

function sourceOutage(detection: Detection, { blindNow }: Circumstances): Falsification {
  const blind = [...new Set([...detection.blind, ...blindNow])];
  return {
    explanation: 'source-outage',
    verdict: blind.length > 0 ? 'holds' : 'ruled-out',
    data: blind.length > 0 ? `blind: ${blind.join(', ')}` : 'every needed source was heard',
  };
}

function lateRecords(detection: Detection): Falsification {
  return {
    explanation: 'late-data',
    verdict: detection.late ? 'holds' : 'ruled-out',
    data: detection.late ? 'a record came after its time' : 'decided behind the watermark',
  };
}

function declaredChange(detection: Detection, { changedMs }: Circumstances): Falsification {
  if (changedMs === null)
    return {
      explanation: 'declared-change',
      verdict: 'ruled-out',
      data: 'governance never changed it',
    };
  const beforeMs = detection.timeMs - changedMs;
  const near = beforeMs >= 0 && beforeMs < JUST_BEFORE_MS;
  return {
    explanation: 'declared-change',
    verdict: near ? 'cannot-tell' : 'ruled-out',
    data: `last change of grants, policy or approvals ${secondsOf(beforeMs)} s before`,
  };
}

/**
 * A window that names the tool, or a change window, explains what is merely unusual. A learning window
 * that names none has taken its dimensions out of force already: what speaks now, others said. What
 * breaks a contract no window permits; that one was open is said all the same.
 */
function openWindow(detection: Detection, { windows }: Circumstances): Falsification {
  const explanation = 'open-window';
  const apt = windows.filter(
    ({ tools }) => tools === null || (detection.tool !== null && tools.includes(detection.tool)),
  );
  if (apt.length === 0) {
    const data =
      windows.length === 0
        ? 'no learning or change window is open for agent, role or fleet'
        : `${windowsOf(windows, detection.timeMs)}; none names ${detection.tool ?? 'what this is about'}`;
    return { explanation, verdict: 'ruled-out', data };
  }
  const permits = apt.some(({ type, tools }) => type === 'change' || tools !== null);
  const isHard = detection.evidenceClass === 'hard';
  return {
    explanation,
    verdict: permits && !isHard ? 'holds' : 'cannot-tell',
    data: windowsOf(apt, detection.timeMs),
  };
}

function windowsOf(windows: readonly OpenWindow[], timeMs: number): string {
  const named = windows.slice(0, NAMED_MAX).map(({ type, name, tools, toMs }) => {
    const about = tools === null ? '' : ` about ${tools.slice(0, NAMED_MAX).join(', ')}`;
    return `${type} window ${name}${about}, ${secondsOf(toMs - timeMs)} s before its end`;
  });
  const more = windows.length > NAMED_MAX ? ` and ${windows.length - NAMED_MAX} more` : '';
  return `open: ${named.join('; ')}${more}`.slice(0, 500);
}

/** Many at once point to a roll-out; an exact breach of contract stays one all the same. */
function peerShift(detection: Detection, { shared }: Circumstances): Falsification {
  const explanation = 'peer-wide-shift';
  if (shared === null)
    return {
      explanation,
      verdict: 'ruled-out',
      data: 'no fleet case: its peers do not fire alike',
    };
  const data = `${shared.agents} of ${shared.of} agents of the role fired alike within an hour`;
  const isHard = detection.evidenceClass === 'hard';
  return { explanation, verdict: isHard ? 'cannot-tell' : 'holds', data };
}

/**
 * Did we bring it about? A score that rests on nothing but calls which our lease refused is our own
 * echo. A breach of contract lies in what was attempted, which we did not bring about: it stays one, or
 * an attack that goes on would lift its own restraint. Whoever is restrained behaves otherwise than he
 * is used to, so that a score of him cannot be told from our effect while a lease stands.
 */
function ownAction(detection: Detection, circumstances: Circumstances): Falsification {
  const explanation = 'our-own-action';
  const { leases, refusedByUs } = circumstances;
  const calls = detection.witnesses.filter(({ kind }) => kind === 'gateway');
  const echoes = calls.filter(({ eventId }) => refusedByUs.has(eventId)).length;
  const standing = leases.filter(({ issuedMs }) => issuedMs <= detection.timeMs);
  const isHard = detection.evidenceClass === 'hard';
  if (echoes > 0) {
    const data = `${echoes} of ${calls.length} calls it rests on were refused by a lease of ours`;
    const isEcho = echoes === calls.length && !isHard;
    return { explanation, verdict: isEcho ? 'holds' : 'cannot-tell', data };
  }
  if (standing.length === 0)
    return {
      explanation,
      verdict: 'ruled-out',
      data: 'no lease of ours stood against the agent',
    };
  const { issuedMs } = standing[0] as (typeof standing)[number];
  const stand = `${leasesOf(standing)} stood, the first since ${secondsOf(detection.timeMs - issuedMs)} s`;
  const data = `${stand}; no call it rests on was refused by ${standing.length === 1 ? 'it' : 'them'}`;
  return { explanation, verdict: isHard ? 'ruled-out' : 'cannot-tell', data };
}

function leasesOf(leases: Circumstances['leases']): string {
  const named = leases.slice(0, NAMED_MAX).map(({ verb, subject: { tools } }) => {
    const on = tools.length === 0 ? '' : ` on ${tools.slice(0, NAMED_MAX).join(', ')}`;
    return `${verb}${on}`;
  });
  const more = leases.length > NAMED_MAX ? ` and ${leases.length - NAMED_MAX} more` : '';
  return `our ${named.join('; ')}${more}`.slice(0, 300);
}

function secondsOf(ms: number): number {
  return Math.round(ms / 1000);
}
