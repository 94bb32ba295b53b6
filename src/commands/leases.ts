/** `leases`: what stands against whom; undo, pause and resume. */
import { systemClock } from '../adapters/clock.ts';
import type { LeaseState } from '../model/decision.ts';
import { assertNever } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { listLeases, readLease, readRequest, type StoredLease } from '../record/read.ts';
import { releaseAgain } from '../record/release-again.ts';
import { type Given, usage } from './arguments.ts';
import { ask, signed, takenUp, until, WAITS } from './asking.ts';
import type { Command, CommandContext } from './command.ts';
import { driversOf } from './control.ts';
import { configOf } from './inputs.ts';
import { safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';

const LIVE: ReadonlySet<LeaseState> = new Set([
  ...(['awaiting', 'requested', 'accepted', 'releasing'] as const),
]);
const HEAD = ['LEASE', 'CASE', 'VERB', 'STATE', 'AT THE GATEWAY', 'AGENT', 'BECAUSE'];
const SCOPES = ['fleet', 'role', 'agent', 'driver'] as const;

/** The command. */
export const leases: Command = {
  name: 'leases',
  synopsis:
    'leases [list] [--standing] [--agent ID] | leases undo LEASE --by WHO --reason WHY | leases plan LEASE',
  summary: 'list leases; undo one; show what exactly is sent for one',
  options: { standing: 'flag', agent: 'value', limit: 'value', by: 'value', reason: 'value' },
  words: 2,
  run: async (given, context) => {
    const [verb = 'list', prefix] = given.words;
    if (verb === 'list') return await list(given, context);
    if (verb === 'plan') return await plan(given, prefix, context);
    if (verb !== 'undo') throw usage(`no such verb: ${JSON.stringify(verb)}`);
    if (prefix === undefined) throw usage('name the lease by the first characters of its id');
    const { by, reason } = signed(given);
    return await withStore(given, context.environment, async (db) => {
      const lease = await readLease(db, prefix);
      return await undo(db, lease, { by, reason }, context);
    });
  },
};

/** The exact request of a lease, and of its undoing. Sends nothing. */
async function plan(
  given: Given,
  prefix: string | undefined,
  { output, environment }: CommandContext,
): Promise<0> {
  if (prefix === undefined) throw usage('name the lease by the first characters of its id');
  const { config } = await configOf(given);
  return await withStore(given, environment, async (db): Promise<0> => {
    const drivers = await driversOf(config, environment, systemClock, db);
    const { id } = await readLease(db, prefix);
    const { request, prior } = await readRequest(db, id);
    const driver = drivers.get(request.driver);
    if (driver === undefined)
      throw usage(
        `lease ${short(id)} is for the driver ${request.driver}, which is not in this configuration; name that of the daemon with --config`,
      );
    const planned = driver.plan(request, prior);
    output.json({ leaseId: id, driver: request.driver, prior, ...planned });
    output.line(`${planned.method} ${safe(planned.url, 500)}`);
    for (const [name, value] of Object.entries(planned.headers))
      output.line(`${name}: ${safe(value, 500)}`);
    output.line(`\n${safe(planned.body, 4000)}\n`);
    output.line(`Touches ${safe(planned.reach, 200)}.`);
    output.line(`Undo: ${safe(planned.undo ?? 'there is none', 1000)}.`);
    return 0;
  });
}

async function undo(
  db: Database,
  lease: StoredLease,
  signature: { readonly by: string; readonly reason: string },
  { output, signal }: CommandContext,
): Promise<0 | 1> {
  const name = short(lease.id);
  // Its release did not get through, and the lane has let go of it: it is sent once more.
  const isAgain =
    lease.state === 'failed' && (await releaseAgain(db, lease.id, signature, systemClock.nowMs()));
  if (!isAgain && !isStanding(lease) && lease.state !== 'releasing') {
    output.line(
      `Nothing to undo: lease ${name} ${safe(stateOf(lease, systemClock.nowMs()), 200)}.`,
    );
    output.json({ asked: null, leaseId: lease.id, state: lease.state });
    return 1;
  }
  if (!isAgain) await ask(db, { type: 'undo', leaseId: lease.id, ...signature });
  const isOver = async () => !LIVE.has((await readLease(db, lease.id)).state);
  await until(isOver, signal);
  const now = await readLease(db, lease.id);
  if (!LIVE.has(now.state))
    output.line(`Lease ${name} ${safe(stateOf(now, systemClock.nowMs()), 200)}.`);
  else if (now.state === 'releasing')
    output.line(`Lease ${name} is being released; the control plane has not confirmed it yet.`);
  else output.line(`Asked: ${WAITS} Lease ${name} stands until then.`);
  const judge = typed(`verdict ${short(lease.caseId)} VERDICT --by YOU --note WHAT`);
  output.line(`What was it? Until somebody says so it counts as a false alarm: ${judge}`);
  output.json({ asked: 'undo', leaseId: lease.id, state: now.state });
  return 0;
}

/** `pause` and `resume`: the kill switch, for the fleet, a role, an agent or a driver. */
export const pause: Command = kill('pause', 'stop acting: the kill switch, for a scope');
/** See `pause`. Resuming the fleet also resets a tripped breaker. */
export const resume: Command = kill(
  'resume',
  'act again; for the fleet it also resets the breaker',
);

function kill(type: 'pause' | 'resume', summary: string): Command {
  return {
    name: type,
    synopsis: `${type} --scope ${SCOPES.join('|')} [--target ID] --by WHO --reason WHY`,
    summary,
    options: { scope: 'value', target: 'value', by: 'value', reason: 'value' },
    run: async (given, { output, environment, signal }) => {
      const scope = SCOPES.find((one) => one === given.value('scope'));
      if (scope === undefined) throw usage(`--scope is one of ${SCOPES.join(', ')}`);
      const target = given.value('target') ?? '';
      if ((scope === 'fleet') !== (target === ''))
        throw usage(
          scope === 'fleet' ? 'the fleet takes no --target' : `--target names the ${scope}`,
        );
      const { by, reason } = signed(given);
      const taken = await withStore(given, environment, async (db) => {
        const id = await ask(db, { type, scope, target, by, reason });
        return await takenUp(db, id, signal);
      });
      const whom = target === '' ? 'the fleet' : `${scope} ${safe(target)}`;
      const done = type === 'pause' ? 'No new lease for' : 'Acting again on';
      if (taken) output.line(`${done} ${whom} from now on. Standing leases keep their time.`);
      else output.line(`Asked: ${WAITS}`);
      output.json({ asked: type, scope, target, inForce: taken });
      return 0;
    },
  };
}

async function list(given: Given, { output, environment }: CommandContext): Promise<0> {
  const agent = given.value('agent');
  const limit = given.count('limit', 1) ?? 20;
  const found = await withStore(given, environment, (db) =>
    listLeases(db, {
      limit,
      ...(agent === undefined ? {} : { agent }),
      ...(given.has('standing') ? { standing: true } : {}),
    }),
  );
  output.json(found);
  if (found.length === 0) {
    output.line('No such lease so far.');
    return 0;
  }
  const rows = found.map((lease) => [
    short(lease.id),
    short(lease.caseId),
    lease.verb,
    safe(stateOf(lease, systemClock.nowMs()), 60),
    lease.verification,
    safe(lease.subject.agent, 40),
    safe(lease.reason, 80),
  ]);
  for (const row of table([HEAD, ...rows])) output.line(row);
  if (found.length === limit) output.line(`(the newest ${limit}; --limit N shows more)`);
  const standing = found.find(isStanding);
  const id = standing === undefined ? null : short(standing.id);
  output.line(`\nWhy it was placed: ${typed(`explain ${rows[0]?.[1] ?? 'CASE'}`)}`);
  if (id !== null) output.line(`To undo one: ${typed(`leases undo ${id} --by YOU --reason WHY`)}`);
  return 0;
}

/** Does it stand, or may it, with nobody having asked for its end? */
export function isStanding({ state }: StoredLease): boolean {
  return state === 'awaiting' || state === 'requested' || state === 'accepted';
}

/**
 * How a lease stands at `nowMs`, or how it ended, in words. Holds foreign text: to be escaped. One whose
 * time is over ended at its target by itself; with no daemon there nobody has written that down yet.
 */
export function stateOf(lease: StoredLease, nowMs: number): string {
  const { state, cause, expiresMs, endedMs, endReason } = lease;
  const until = expiresMs === null ? 'without end' : `until ${timeOf(expiresMs)}`;
  const at = endedMs === null ? '' : ` at ${timeOf(endedMs)}`;
  const why = endReason === null ? '' : `: ${endReason}`;
  switch (state) {
    case 'awaiting':
      return `waits for approval ${until}`;
    case 'requested':
      return `requested ${until}`;
    case 'accepted':
      if (expiresMs !== null && expiresMs < nowMs)
        return `was to end ${timeOf(expiresMs)}, not noted yet`;
      return `stands ${until}`;
    case 'expired':
      return `ran out${at}`;
    case 'releasing':
      return `is being released (${cause ?? 'its time is over'})${why}`;
    case 'released':
      return endReason === null ? `${cause ?? 'released'}${at}` : `ended${at}${why}`;
    case 'refused':
    case 'failed':
    case 'lapsed':
      return `${state}${at}`;
    default:
      return assertNever(state);
  }
}
