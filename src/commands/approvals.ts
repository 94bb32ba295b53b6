/** `approvals`: what waits for people to agree, and their word on it. */
import { systemClock } from '../adapters/clock.ts';
import { readText } from '../adapters/files.ts';
import type { ApprovalVerdict, VoteResult } from '../model/action-log.ts';
import { short } from '../model/ids.ts';
import { type ListedApproval, listApprovals, vote } from '../record/approvals.ts';
import { type Given, usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import type { Environment } from './config.ts';
import { configOf } from './inputs.ts';
import { safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';
import { holderOf, newToken, tokenDigest } from './token.ts';

/** Where an approver's token is looked for when no file is named. */
const TOKEN = 'PLUMBLINE_TOKEN';
const HEAD = ['LEASE', 'CASE', 'VERB', 'BY', 'AGENT', 'STATE', 'AGREED', 'BECAUSE'];

/** The command. */
export const approvals: Command = {
  name: 'approvals',
  synopsis:
    'approvals [list] [--all] | approvals approve|decline LEASE --note WHY [--token-file FILE] | approvals token NAME',
  summary: 'what waits for people to agree; agree or decline; make a token',
  options: { all: 'flag', limit: 'value', note: 'value', 'token-file': 'value' },
  words: 2,
  run: async (given, context) => {
    const [verb = 'list', word] = given.words;
    if (verb === 'list') return await list(given, context);
    if (verb === 'token') return token(word, context);
    if (verb !== 'approve' && verb !== 'decline')
      throw usage(`no such verb: ${JSON.stringify(verb)}; there are list, approve, decline, token`);
    if (word === undefined) throw usage('name the lease by the first characters of its id');
    return await say(given, word, verb, context);
  },
};

async function list(given: Given, { output, environment }: CommandContext): Promise<0> {
  const limit = given.count('limit', 1) ?? 20;
  const pending = given.has('all') ? {} : { pending: true };
  const found = await withStore(given, environment, (db) =>
    listApprovals(db, { limit, ...pending }),
  );
  output.json(found);
  if (found.length === 0) {
    output.line(given.has('all') ? 'Nobody was ever asked.' : 'Nothing waits for anybody.');
    return 0;
  }
  const nowMs = systemClock.nowMs();
  const rows = found.map((one) => [
    ...[short(one.leaseId), short(one.caseId), one.verb, safe(one.driver, 20)],
    ...[safe(one.subject.agent, 40), stateOf(one, nowMs), agreedOf(one), safe(one.reason, 80)],
  ]);
  for (const row of table([HEAD, ...rows])) output.line(row);
  const first = found.find(({ state }) => state === 'pending');
  if (first === undefined) return 0;
  const id = short(first.leaseId);
  output.line(`\nWhat it rests on: ${typed(`explain ${short(first.caseId)}`)}`);
  output.line(
    `To agree: ${typed(`approvals approve ${id} --note WHY`)}, with your token in ${TOKEN}`,
  );
  return 0;
}

function stateOf({ state, expiresMs }: ListedApproval, nowMs: number): string {
  if (state !== 'pending') return state;
  if (expiresMs === null) return 'waits for a daemon to ask';
  return expiresMs <= nowMs ? 'lapsed' : `waits until ${timeOf(expiresMs)}`;
}

function agreedOf({ votes, quorum }: ListedApproval): string {
  const names = votes.map(({ voter, vote: said }) => `${safe(voter, 30)} ${said}s`);
  const agreed = votes.filter(({ vote: said }) => said === 'approve').length;
  return `${agreed} of ${quorum}${names.length === 0 ? '' : ` (${names.join(', ')})`}`;
}

/** Prints a token once, and what is kept of it. */
function token(name: string | undefined, { output }: CommandContext): 0 {
  if (name === undefined || !/^[A-Za-z0-9._@-]{1,64}$/.test(name))
    throw usage('name the approver: letters, digits and . _ @ - , at most 64 of them');
  const made = newToken();
  const sha256 = tokenDigest(made);
  output.json({ approver: name, token: made, sha256 });
  output.line(`Token of ${name}, shown this once: ${made}`);
  output.line('In the configuration, under control.approvers:');
  output.line(`  ${name}: { sha256: ${sha256} }`);
  return 0;
}

async function say(
  given: Given,
  prefix: string,
  verdict: ApprovalVerdict,
  { output, environment }: CommandContext,
): Promise<0 | 1> {
  const note = given.value('note') ?? '';
  if (note === '') throw usage('say why: --note WHY; it goes into the journal');
  const { config } = await configOf(given);
  const holder = holderOf(await tokenIn(given, environment), config.control?.approvers ?? {});
  if (holder === null)
    throw usage(
      `this token belongs to nobody in control.approvers; ${typed('approvals token NAME')} makes one`,
    );
  return await withStore(given, environment, async (db) => {
    const [one, second] = await listApprovals(db, { prefix, limit: 2 });
    if (one === undefined)
      throw usage(`nobody was asked about a lease that begins with ${safe(prefix, 64)}`);
    if (second !== undefined)
      throw usage(`more than one lease begins with ${safe(prefix, 64)}; give more characters`);
    const nowMs = systemClock.nowMs();
    const ballot = { leaseId: one.leaseId, voter: holder, vote: verdict, note, nowMs };
    const result = await vote(db, ballot);
    output.json({ leaseId: one.leaseId, by: holder, said: verdict, result });
    output.line(wordsOf(result, one, holder));
    return ['granted', 'counted', 'declined'].includes(result.type) ? 0 : 1;
  });
}

async function tokenIn(given: Given, environment: Environment): Promise<string> {
  const file = given.value('token-file');
  const found = file === undefined ? environment[TOKEN] : (await readText(file)).trim();
  if (found === undefined || found === '')
    throw usage(`an approver proves who they are: set ${TOKEN}, or name a --token-file`);
  return found;
}

function wordsOf(result: VoteResult, { leaseId, verb }: ListedApproval, by: string): string {
  const what = `${verb}, lease ${short(leaseId)}`;
  switch (result.type) {
    case 'granted':
      return `Agreed: ${what} is sent now.`;
    case 'counted':
      return `Agreed: ${result.agreed} of ${result.quorum} for ${what}; it is sent when all have.`;
    case 'declined':
      return `Declined: ${what} is not sent.`;
    case 'over':
      return `Too late: ${what} was ${result.state} before.`;
    case 'barred':
      return `${by} may not decide on ${what}: it is about them, or about who works for them.`;
    case 'voted':
      return `${by} has spoken on ${what} before; the first word counts.`;
    case 'unknown':
      return `Nobody was asked about ${what}.`;
    default:
      return result satisfies never;
  }
}
