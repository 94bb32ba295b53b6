/** `leases`: what stands against whom; undo, pause and resume. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../adapters/clock.ts';
import type { OperatorRequest } from '../model/decision.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { insertOperatorRequest } from '../record/operator.ts';
import { listLeases, readLease } from '../record/read.ts';
import { type Given, usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { safe, table, timeOf } from './output.ts';
import { withStore } from './reading.ts';

const SCOPES = ['fleet', 'role', 'agent', 'driver'] as const;

/** The command. */
export const leases: Command = {
  name: 'leases',
  synopsis: 'leases [list] [--standing] [--agent ID] | leases undo LEASE --by WHO --reason WHY',
  summary: 'list leases; undo one',
  options: { standing: 'flag', agent: 'value', limit: 'value', by: 'value', reason: 'value' },
  run: async (given, context) => {
    const [verb = 'list', prefix] = given.words;
    if (verb === 'list') return await list(given, context);
    if (verb !== 'undo' || prefix === undefined)
      throw usage('leases list, or leases undo LEASE --by WHO --reason WHY');
    const { by, reason } = signed(given);
    const id = await withStore(given, context.environment, async (db) => {
      const lease = await readLease(db, prefix);
      await ask(db, { type: 'undo', leaseId: lease.id, by, reason });
      return lease.id;
    });
    context.output.line(
      `Asked: the daemon lifts lease ${short(id)} when it reads this, within a second or two.`,
    );
    context.output.json({ asked: 'undo', leaseId: id });
    return 0;
  },
};

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
    run: async (given, { output, environment }) => {
      const scope = SCOPES.find((one) => one === given.value('scope'));
      if (scope === undefined) throw usage(`--scope is one of ${SCOPES.join(', ')}`);
      const target = given.value('target') ?? '';
      if ((scope === 'fleet') !== (target === ''))
        throw usage(
          scope === 'fleet' ? 'the fleet takes no --target' : `--target names the ${scope}`,
        );
      const { by, reason } = signed(given);
      await withStore(given, environment, (db) => ask(db, { type, scope, target, by, reason }));
      output.line(`Asked: ${type} ${scope} ${safe(target)}; standing leases keep their time.`);
      output.json({ asked: type, scope, target });
      return 0;
    },
  };
}

async function list(given: Given, { output, environment }: CommandContext): Promise<0> {
  const agent = given.value('agent');
  const found = await withStore(given, environment, (db) =>
    listLeases(db, {
      limit: given.count('limit', 1) ?? 20,
      ...(agent === undefined ? {} : { agent }),
      ...(given.has('standing') ? { standing: true } : {}),
    }),
  );
  output.json(found);
  if (found.length === 0) output.line('No lease so far.');
  const rows = found.map((lease) => [
    short(lease.id),
    lease.verb,
    lease.state,
    lease.verification,
    lease.expiresMs === null ? 'no end' : `until ${timeOf(lease.expiresMs)}`,
    safe(lease.subject.agent, 40),
    safe(lease.reason, 90),
  ]);
  for (const row of table(rows)) output.line(row);
  return 0;
}

function signed(given: Given): { by: string; reason: string } {
  const by = given.value('by');
  const reason = given.value('reason');
  if (by === undefined || reason === undefined || by === '' || reason === '')
    throw usage('say who you are and why: --by WHO --reason WHY; both go into the journal');
  return { by, reason };
}

type Asked = OperatorRequest extends infer Each
  ? Each extends OperatorRequest
    ? Omit<Each, 'id' | 'atMs'>
    : never
  : never;

async function ask(db: Database, request: Asked): Promise<void> {
  const id = randomUUID();
  await insertOperatorRequest(db, { ...request, id, atMs: systemClock.nowMs() } as OperatorRequest);
}
