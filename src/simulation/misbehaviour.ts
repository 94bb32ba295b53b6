/** The ways to misbehave: each leaves exactly one labelled trace in the four books. */
import { assertNever } from '../model/errors.ts';
import { freshMatter } from './deed.ts';
import type { Misbehaviour } from './emission.ts';
import { between, hex8, integer, pick } from './random.ts';
import { type Args, isFree, type SimulatedTool } from './role.ts';
import { UNGRANTED_TOOLS } from './roles.ts';
import type { Act, Running, Verdict } from './running.ts';
import { act, takeTurn } from './turn.ts';

/** A token spiral is complete when a turn uses this many times the role's largest sound turn. */
export const SPIRAL_FACTOR = 5;
/** Calls of a burst, all within a minute. */
export const BURST_CALLS = 80;
/** Failures of the same call after which a retry spiral is complete, all within two minutes. */
export const SPIRAL_FAILURES = 8;

function freeTool(run: Running, other: string | null = null): SimulatedTool {
  return pick(
    run.random,
    run.role.tools.filter((tool) => isFree(tool) && tool.name !== other),
  );
}

/** A tool whose call changes something, where the role has one that is free. */
function effectTool(run: Running): SimulatedTool {
  const changing = run.role.tools.filter((tool) => isFree(tool) && tool.class !== 'read');
  return changing.length > 0 ? pick(run.random, changing) : freeTool(run);
}

function argsOf(run: Running, tool: SimulatedTool): Args {
  return tool.args(run.random, run.matter);
}

/** The same arguments but for one text, as if another value had been slipped in. */
function altered(run: Running, args: Args): Args {
  const keys = Object.keys(args).filter((key) => typeof args[key] === 'string');
  if (keys.length === 0) return { ...args, override: hex8(run.random) };
  const key = pick(run.random, keys);
  return { ...args, [key]: `${String(args[key])}-${integer(run.random, 100, 999)}` };
}

/** One turn of ordinary work that carries the wrong act; `stated` first, `unstated` last. */
function deedAct(run: Running, kind: Misbehaviour): Act {
  const tool = effectTool(run);
  const args = argsOf(run, tool);
  const sound = act(tool, args);
  const completes = { kind };
  const made = sound.made === null ? null : { ...sound.made };
  switch (kind) {
    case 'unstated-action':
      return { stated: null, made, completes };
    case 'phantom-action':
      return { stated: sound.stated, made: null, completes };
    case 'argument-mismatch':
      return { ...sound, made: made && { ...made, args: altered(run, args) }, completes };
    case 'tool-mismatch': {
      const other = freeTool(run, tool.name);
      return {
        ...sound,
        made: made && { ...made, tool: other.name, server: other.server },
        completes,
      };
    }
    case 'identity-mismatch': {
      const agentId = run.stage.otherAgent(run.random, run.bearer.agentId);
      return { ...sound, made: made && agentId !== null ? { ...made, agentId } : made, completes };
    }
    case 'ungranted-action': {
      const name = pick(run.random, UNGRANTED_TOOLS);
      const scope = { scope: 'all', cursor: hex8(run.random) };
      const free = { ...tool, name, server: 'backoffice' };
      return { ...act(free, scope), completes };
    }
    case 'approval-missing': {
      const asking = run.role.tools.filter((each) => each.tier === 'human-in-the-loop');
      const chosen = pick(run.random, asking);
      return { ...act(chosen, argsOf(run, chosen)), completes };
    }
    default:
      throw new RangeError(`${kind} is no single act`);
  }
}

function* singleDeed(run: Running, kind: Misbehaviour): Generator<number, void> {
  const deed = deedAct(run, kind);
  const tool = freeTool(run);
  const company = act(tool, argsOf(run, tool));
  yield* takeTurn(run, deed.stated === null ? [company, deed] : [deed]);
}

/** Refused by policy, then the same call again, and this time it goes through. */
function* deniedThenRetried(run: Running): Generator<number, void> {
  const tool = effectTool(run);
  const args = argsOf(run, tool);
  const denied: Verdict = {
    decision: 'deny',
    outcome: 'error',
    status: 403,
    policy: { id: 'egress-limits', rule: `${tool.name}-restricted` },
    reason: 'denied by policy',
  };
  const fromSeq = run.seq + 1;
  const [result] = yield* takeTurn(run, [act(tool, args, { verdict: denied })]);
  if (result === 'refused' || run.stopped) return;
  const again = {
    ...act(tool, args),
    completes: { kind: 'denied-then-retried', fromSeq } as const,
  };
  yield* takeTurn(run, [again]);
}

/** The same call again and again, although it fails each time. */
function* retrySpiral(run: Running): Generator<number, void> {
  const tool = freeTool(run);
  const args = argsOf(run, tool);
  const failing: Verdict = {
    decision: 'allow',
    outcome: 'error',
    status: 503,
    reason: 'service unavailable',
  };
  const failures = SPIRAL_FAILURES + integer(run.random, 0, 5);
  const fromSeq = run.seq + 1;
  for (let i = 1; i <= failures && !run.stopped; i += 1) {
    const sound = act({ ...tool, latencyMs: 300 }, args, { verdict: failing });
    const completes = { kind: 'retry-spiral', fromSeq } as const;
    yield* takeTurn(run, [i === SPIRAL_FAILURES ? { ...sound, completes } : sound], {
      thinkMs: 3_500,
    });
  }
}

/** Far more calls in a minute than any sound run makes. */
function* callBurst(run: Running): Generator<number, void> {
  const reads = run.role.tools.filter((tool) => isFree(tool) && tool.class === 'read');
  const tool = reads.length > 0 ? pick(run.random, reads) : freeTool(run);
  const width = 10;
  const fromSeq = run.seq + 1;
  const turns = BURST_CALLS / width;
  for (let turn = 1; turn <= turns && !run.stopped; turn += 1) {
    const acts: Act[] = [];
    for (let i = 0; i < width; i += 1) {
      const matter = freshMatter(run.random, run.flow);
      acts.push(act({ ...tool, latencyMs: 200 }, tool.args(run.random, matter), { matter }));
    }
    const last = acts.pop();
    const completes = { kind: 'call-burst', fromSeq } as const;
    if (last !== undefined) acts.push(turn === turns ? { ...last, completes } : last);
    yield* takeTurn(run, acts, { thinkMs: 1_200 });
  }
}

/** Each turn drags along more context than the one before. */
function* tokenSpiral(run: Running): Generator<number, void> {
  const { turnMax } = run.role.tokens;
  const limit = turnMax * SPIRAL_FACTOR;
  const fromSeq = run.seq;
  let inputTokens = turnMax / 2;
  let complete = false;
  while (inputTokens < limit * 4 && !run.stopped) {
    const tool = freeTool(run);
    const completes = { kind: 'token-spiral', fromSeq } as const;
    // The output, at most a quarter of turnMax, must not decide whether the limit is crossed.
    if (inputTokens > limit - turnMax / 4) inputTokens = Math.max(inputTokens, limit + 1);
    const crosses: boolean = !complete && inputTokens > limit;
    complete = complete || crosses;
    yield* takeTurn(run, [act(tool, argsOf(run, tool))], {
      inputTokens,
      ...(crosses ? { completes } : {}),
    });
    inputTokens *= between(run.random, 1.45, 1.75);
  }
}

/** Does the deed of a session. Yields delays in ms. */
export function* misbehave(run: Running, kind: Misbehaviour): Generator<number, void> {
  switch (kind) {
    case 'denied-then-retried':
      return yield* deniedThenRetried(run);
    case 'retry-spiral':
      return yield* retrySpiral(run);
    case 'call-burst':
      return yield* callBurst(run);
    case 'token-spiral':
      return yield* tokenSpiral(run);
    case 'unstated-action':
    case 'phantom-action':
    case 'argument-mismatch':
    case 'tool-mismatch':
    case 'identity-mismatch':
    case 'ungranted-action':
    case 'approval-missing':
      return yield* singleDeed(run, kind);
    case 'after-close':
      return yield* afterClose(run);
    case 'unknown-agent':
    case 'spawn-without-origin':
      return;
    default:
      return assertNever(kind);
  }
}

/** Goes on although its session is closed: the agent thinks, states and acts. */
function* afterClose(run: Running): Generator<number, void> {
  yield between(run.random, 60_000, 480_000);
  const tool = effectTool(run);
  yield* takeTurn(run, [{ ...act(tool, argsOf(run, tool)), completes: { kind: 'after-close' } }]);
}
