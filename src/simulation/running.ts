/** A session under way: what it knows, what it counts, and how its records go out. */
import type { Action } from '../model/event-action.ts';
import type { Bearer, Emission, Misdeed, SessionLabel, Statement } from './emission.ts';
import type { Manner } from './manner.ts';
import type { Random } from './random.ts';
import type { Args, Facts, Flow, Goal, Matter, RoleSpec, SimulatedTool } from './role.ts';

/** A call about to be made, as a control plane is asked. */
export interface GateCall {
  readonly atMs: number;
  /** Identity the gateway knows the call under. */
  readonly agentId: string;
  readonly sessionId: string;
  readonly tool: string;
}

/** Its answer. */
export interface GateAnswer {
  readonly allowed: boolean;
  readonly policyId?: string;
  readonly reason?: string;
}

/** What the fleet offers a running session. */
export interface Stage {
  /** Event time now, ms. */
  nowMs: number;
  emit(emission: Emission): void;
  ask(call: GateCall): GateAnswer;
  /** Starts a child of this session now; sound, or one that does this deed. */
  spawn(parent: Running, misdeed: Misdeed | null): void;
  /** A session is over. */
  label(label: SessionLabel): void;
  /** Some other registered agent; null in a fleet of one. */
  otherAgent(random: Random, agentId: string): string | null;
}

/** A foreign instruction that stands in what the session will read. */
export interface Plant {
  readonly goal: Goal;
  readonly facts: Facts;
  readonly words: string;
  /** `attempted`: obeyed, but policy stops it. */
  readonly follows: 'obeyed' | 'attempted' | 'resisted';
  /** Tool whose results carry it, where it is no matter of chance which one comes first. */
  readonly tool: string | null;
  /** Call whose result carries it; null until one was made. */
  where: string | null;
}

/** A change that governance never heard of and that shows in this session. */
export interface Taint {
  readonly kind: Misdeed;
  /** Is this the first session that shows it? */
  readonly first: boolean;
}

/** A tool outside the role, and what it is used about. */
export interface Extra {
  readonly tool: SimulatedTool;
  readonly matter: Matter;
}

/** A session under way. */
export interface Running {
  readonly stage: Stage;
  readonly random: Random;
  readonly bearer: Bearer;
  readonly sessionId: string;
  /** Unique in the fleet and free of the start time: names its random stream. */
  readonly name: string;
  readonly role: RoleSpec;
  readonly model: string;
  readonly matter: Matter;
  /** What it will do wrong; null = nothing. */
  readonly misbehaviour: Misdeed | null;
  /** The same, with foreign instructions that are not obeyed. */
  readonly purpose: Misdeed | 'injection-attempted' | 'injection-resisted' | null;
  readonly flow: Flow;
  /** A tool granted later, used in this session. */
  readonly extra: Extra | null;
  readonly taint: Taint | null;
  /** Facts that recur in all sessions of one stranger; null where each makes its own. */
  readonly accomplice: Random | null;
  readonly openedMs: number;
  /** Refusals in a row after which it gives up. */
  readonly patience: number;
  /** Next number in the session. */
  seq: number;
  turns: number;
  calls: number;
  records: number;
  refusals: number;
  stopped: boolean;
  tokens: number;
  manner: Manner;
  plant: Plant | null;
  /** `seq` of the record after which it had read the plant. */
  exposedSeq: number | null;
  /** `seq` of the first wrong record. */
  begunSeq: number | null;
  completed: Completion | null;
  /** Calls that reached a gateway. */
  made: number;
  children: number;
  /** Was there text of third parties in the last turn's results? */
  noted: 'no' | 'note' | 'plant';
  /** What the agent will say of the calls of its last turn. */
  claims: Statement[];
}

/** What the gateway and the tool answer. */
export interface Verdict {
  readonly decision: Action['decision'];
  readonly outcome: Action['outcome'];
  readonly status: number;
  readonly policy?: { readonly id: string; readonly rule: string };
  readonly reason?: string;
}

/** Went through. */
export const DONE: Verdict = { decision: 'allow', outcome: 'ok', status: 200 };

/** Refused by policy, as it happens to sound calls now and then. */
export function outsideWindow(tool: string): Verdict {
  return {
    decision: 'deny',
    outcome: 'error',
    status: 403,
    policy: { id: 'limits', rule: `${tool}-window` },
    reason: 'outside the permitted window',
  };
}

/** One call in two books; null = that book has no entry. */
export interface Act {
  /** What the agent says it will call. */
  readonly stated: { readonly tool: string; readonly args: Args } | null;
  /** What the gateway sees; null for phantoms and for calls that pass no gateway. */
  readonly made: {
    readonly tool: string;
    readonly args: Args;
    readonly verdict: Verdict;
    readonly server: string;
    readonly latencyMs: number;
    /** Identity the gateway knows it under, where it is another. */
    readonly agentId?: string;
    readonly result?: SimulatedTool['result'];
    readonly carriesNote?: boolean;
    /** What the result is about, where that is not the session's matter. */
    readonly matter?: Matter;
    /** Factor on the bytes of the result. */
    readonly volume?: number;
  } | null;
  readonly toolType?: 'local' | 'provider';
  /** The misbehaviour this call completes, and where it began. */
  readonly completes?: { readonly kind: Misdeed; readonly fromSeq?: number };
}

/** What a record completes, as the truth names it. */
export interface Completion {
  readonly kind: Misdeed;
  readonly seq: number | null;
  readonly fromSeq: number | null;
}

/** Emits a record of this session now. */
export function emit(
  run: Running,
  topic: Emission['topic'],
  event: Emission['event'],
  completes: Completion | null = null,
): void {
  const atMs = run.stage.nowMs;
  const { agentId } = run.bearer;
  if (completes !== null) run.completed = completes;
  const truth =
    completes === null
      ? null
      : {
          sessionId: run.sessionId,
          agentId,
          kind: completes.kind,
          atMs,
          seq: completes.seq,
          fromSeq: completes.fromSeq,
        };
  run.stage.emit({ atMs, topic, key: event.agent?.id ?? agentId, event, truth });
}

/** Id of the next record without `seq`: unique within the session. */
export function nextId(run: Running, what: string): string {
  run.records += 1;
  return `${run.sessionId}/${what}/${run.records}`;
}
