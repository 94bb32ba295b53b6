/** ContextForge driver: tools and servers of a gateway off and on again, tokens revoked. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome, Prior } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention, Subject, Verb } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import type { Driver, DriverDefinition, DriverPlan, ReadBack, Snapshot } from '../driver.ts';
import {
  createRest,
  memberOf,
  notOurs,
  type Rest,
  type RestAnswer,
  refused,
  snapshotOf,
} from '../rest.ts';
import { parseTarget, pathSegment, RatePerMin, strangerTo, Tenants } from '../target.ts';

const idsBy = (what: string) =>
  Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1, maxLength: 200 }), {
      description: what,
    }),
  );

const Options = Type.Object(
  {
    type: Type.Literal('contextforge'),
    url: Type.String({ pattern: '^https?://', description: 'Base URL of the gateway.' }),
    token: Secret,
    tools: idsBy(
      'Tools that may be frozen, by our name for them: the id at the gateway. Freezing takes a tool from everybody; a tool that is not listed is never frozen.',
    ),
    servers: idsBy('Virtual servers that only one agent uses, by agent: for suspend_agent.'),
    agents: idsBy('API tokens by agent: for revoke_session.'),
    sessions: idsBy('API tokens by session, of sessions that have one of their own: the same.'),
    tokens: idsBy('Older name of agents, which comes first: API tokens by agent.'),
    tenants: Type.Optional(Tenants),
    grace: Type.Optional(duration('How long an accepted action may take to work.', '5s')),
    timeout: Type.Optional(duration('For each request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

const KINDS = { freeze_tool: 'tools', suspend_agent: 'servers', revoke_session: 'tokens' } as const;
type Able = keyof typeof KINDS;
/** Options that list something to act on, by verb. */
const LISTS = {
  freeze_tool: ['tools'],
  suspend_agent: ['servers'],
  revoke_session: ['agents', 'sessions', 'tokens'],
} as const;

/** Tools of one lease; each is a request of its own. */
const AT_ONCE = 8;

/** What one intention is about at the gateway. */
interface Switch {
  /** As ours. */
  readonly name: string;
  /** Path of the thing: `/tools/<id>`. */
  readonly path: string;
}
type Addressed =
  | { readonly ok: true; readonly switches: readonly Switch[] }
  | { readonly ok: false; readonly problem: string };

/** The driver. */
export const contextforge: DriverDefinition<Options> = {
  type: 'contextforge',
  claim:
    'Tools, virtual servers and tokens of an MCP gateway; a frozen tool is frozen for everybody who uses it.',
  verbs: Object.keys(KINDS) as Able[],
  options: Options,
  make({ http, clock, options, secret }) {
    const address = parseTarget(options.url);
    if (!address.ok) return address;
    for (const list of Object.values(LISTS).flat())
      for (const [name, id] of Object.entries(options[list] ?? {}))
        if (pathSegment(id) === null)
          return { ok: false, problem: `${list}.${name} is not an id of the gateway` };
    const verbs = (Object.keys(KINDS) as Able[]).filter((verb) =>
      LISTS[verb].some((list) => Object.keys(options[list] ?? {}).length > 0),
    );
    if (verbs.length === 0) {
      const problem = 'lists nothing to act on: give tools, servers, agents or sessions';
      return { ok: false, problem };
    }
    const base = `${address.url.origin}${address.url.pathname.replace(/\/$/, '')}`;
    const rest = createRest({
      ...{ http, clock, base },
      headers: { authorization: `Bearer ${secret('token')}` },
      timeoutMs: durationMs(options.timeout ?? '5s'),
      credential:
        'the gateway token and its permissions tools.update, servers.update, tokens.revoke',
      // The row is locked by another request; and a catch-all for whatever else went wrong there.
      statuses: {
        409: (afterMs) => ({
          type: 'retry',
          detail: 'HTTP 409, locked by another change',
          afterMs,
        }),
      },
    });
    return { ok: true, driver: driverOf(rest, base, options, verbs) };
  },
};

function driverOf(rest: Rest, base: string, options: Options, verbs: readonly Verb[]): Driver {
  const addressed = (intention: Intention) => address(options, intention);
  return {
    capabilities: () => ({
      verbs,
      irreversible: verbs.filter((verb) => verb === 'revoke_session'),
      subjects: ['agent', 'session', 'tool'],
      blast: options.tools === undefined ? 'subject' : 'tool-users',
      selfExpiring: false,
      readBack: true,
      readBackAfterMs: 2_000,
      graceMs: durationMs(options.grace ?? '5s'),
      ratePerMin: options.ratePerMin ?? 10,
    }),
    plan: (intention, prior) => planOf(base, intention, addressed(intention), prior),
    async snapshot(intention) {
      const found = addressed(intention);
      if (!found.ok) return refused(found.problem);
      return intention.verb === 'revoke_session' ? tokensAre() : before(rest, found.switches);
    },
    async apply(intention, prior) {
      const found = addressed(intention);
      if (!found.ok) return refused(found.problem);
      if (intention.verb === 'revoke_session') return revoke(rest, found.switches);
      if (intention.step === 'release') return release(rest, found.switches, prior);
      if (prior === null) return refused('whether it was on before is not recorded');
      return switchOff(rest, found.switches, prior);
    },
    async readBack(intention) {
      const found = addressed(intention);
      if (!found.ok) return 'unknown';
      const answers = await Promise.all(found.switches.map(({ path }) => rest.read(path)));
      return together(answers.map((one) => standing(one, intention.verb)));
    },
  };
}

/** Only what is listed can be named: an agent's own words never become a path. */
function address(options: Options, intention: Intention): Addressed {
  const { verb, subject } = intention;
  const no = (problem: string): Addressed => ({ ok: false, problem });
  const stranger = strangerTo(options.tenants, intention);
  if (stranger !== null) return no(stranger);
  if (!Object.hasOwn(KINDS, verb)) return no(`a gateway of this kind cannot ${verb}`);
  if (verb === 'suspend_agent' && subject.session !== null)
    return no('a virtual server is the whole agent, and one session was meant');
  const kind = KINDS[verb as Able];
  const { listed, names, list } = listedBy(options, verb as Able, subject);
  if (names.length === 0) return no('freezes named tools only, and none is named');
  if (names.length > AT_ONCE) return no(`freezes at most ${AT_ONCE} tools of one lease`);
  const switches: Switch[] = [];
  for (const name of names) {
    const id = Object.hasOwn(listed, name) ? pathSegment(listed[name] ?? '') : null;
    if (id === null) return no(`not listed in ${list} of this driver, so it is never touched`);
    switches.push({ name, path: `/${kind}/${id}` });
  }
  return { ok: true, switches };
}

interface Listed {
  readonly listed: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  /** Option to look at. */
  readonly list: string;
}

/** Agents name their sessions: one that is called like another agent must not reach that one's token. */
function listedBy(options: Options, verb: Able, { agent, session, tools }: Subject): Listed {
  if (verb === 'freeze_tool') return { listed: options.tools ?? {}, names: tools, list: 'tools' };
  if (verb === 'suspend_agent')
    return { listed: options.servers ?? {}, names: [agent], list: 'servers' };
  if (session !== null)
    return { listed: options.sessions ?? {}, names: [session], list: 'sessions' };
  return { listed: { ...options.tokens, ...options.agents }, names: [agent], list: 'agents' };
}

function planOf(
  base: string,
  { verb }: Intention,
  found: Addressed,
  prior: Prior | null,
): DriverPlan {
  const paths = found.ok ? found.switches.map(({ path }) => path) : [];
  const isRevoke = verb === 'revoke_session';
  const on = found.ok ? found.switches.filter(({ name }) => wasOn(prior, name)).length : 0;
  const things = verb === 'freeze_tool' ? 'tool' : 'server';
  const of = `${paths.length} ${things}${paths.length === 1 ? '' : 's'}`;
  return {
    method: isRevoke ? 'DELETE' : 'POST',
    url: `${base}${isRevoke ? adminPath(paths[0] ?? '/') : `${paths[0] ?? ''}/state`}`,
    headers: { authorization: '<masked>' },
    body: isRevoke ? '' : `activate=false for ${paths.join(', ')}`,
    undo: isRevoke ? null : `activate=true for ${prior === null ? of : `${on} of ${of}`}`,
    reach: found.ok
      ? isRevoke
        ? 'one token of one agent'
        : verb === 'freeze_tool'
          ? `everybody who uses ${paths.length} ${paths.length === 1 ? 'tool' : 'tools'}`
          : 'whoever uses the server of one agent'
      : `nobody: ${found.problem}`,
  };
}

/** Whether each was on before us: undo switches on only what was. */
async function before(rest: Rest, switches: readonly Switch[]): Promise<Snapshot> {
  const answers = await Promise.all(switches.map(({ path }) => rest.read(path)));
  const on: Record<string, boolean> = {};
  for (const [at, answer] of answers.entries()) {
    if (!answer.ok) return snapshotOf(gone(answer));
    const enabled = enabledIn(answer);
    if (enabled === null) return refused('the gateway does not say whether it is enabled');
    on[switches[at]?.name ?? ''] = enabled;
  }
  return { type: 'prior', prior: { on } };
}

function tokensAre(): Snapshot {
  return { type: 'prior', prior: {} };
}

function wasOn(prior: Prior | null, name: string): boolean {
  const on = memberOf(prior, 'on');
  return on !== null && Object.hasOwn(on, name) && on[name] === true;
}

/** All of them or none: where one is refused, whatever was on before us is on again, whichever try did it. */
async function switchOff(
  rest: Rest,
  switches: readonly Switch[],
  prior: Prior | null,
): Promise<ApplyOutcome> {
  // At once: one after the other they would outlast the time the executor gives one request.
  const outcomes = await Promise.all(switches.map((one) => set(rest, one, false)));
  const off = switches.filter((_, at) => outcomes[at]?.type === 'accepted');
  const failed = worstOf(outcomes);
  // What may be tried again is: with the same key it goes on where it stopped.
  if (failed !== null && failed.type !== 'refused') return failed;
  const others = switches.filter((_, at) => outcomes[at]?.type !== 'refused');
  if (failed !== null) return back(rest, others, prior, failed);
  const detail = `${off.length} of ${switches.length} switched off`;
  return { type: off.length > 0 ? 'accepted' : 'already', detail };
}

async function back(
  rest: Rest,
  others: readonly Switch[],
  prior: Prior | null,
  outcome: ApplyOutcome,
): Promise<ApplyOutcome> {
  const ours = others.filter(({ name }) => wasOn(prior, name));
  const undone = worstOf(await Promise.all(ours.map((one) => set(rest, one, true))));
  if (undone === null) return outcome;
  const detail = `refused half way, and not all is on again: ${undone.detail}`;
  return { type: 'unknown', detail, afterMs: 0 };
}

async function release(
  rest: Rest,
  switches: readonly Switch[],
  prior: Prior | null,
): Promise<ApplyOutcome> {
  const ours = switches.filter(({ name }) => wasOn(prior, name));
  if (ours.length === 0) return { type: 'already', detail: 'nothing that was on before us' };
  const outcomes = await Promise.all(ours.map((one) => set(rest, one, true)));
  const failed = worstOf(outcomes);
  if (failed !== null) return failed;
  const changed = outcomes.filter(({ type }) => type === 'accepted').length;
  if (changed === 0) return notOurs('what was switched off');
  return { type: 'accepted', detail: `${changed} of ${ours.length} switched on again` };
}

/** What keeps them from being done together: refused before lost before retried; null: nothing does. */
function worstOf(outcomes: readonly ApplyOutcome[]): ApplyOutcome | null {
  const open = outcomes.filter(({ type }) => type !== 'accepted' && type !== 'already');
  const of = (type: ApplyOutcome['type']) => open.find((one) => one.type === type);
  return of('refused') ?? of('unknown') ?? open[0] ?? null;
}

/** Reads first: setting what is set already would touch what somebody else is changing. */
async function set(rest: Rest, { path }: Switch, activate: boolean): Promise<ApplyOutcome> {
  const live = await rest.read(path);
  if (!live.ok && live.status === 404 && activate)
    return { type: 'already', detail: 'HTTP 404, it is gone: nothing to switch on' };
  if (!live.ok) return gone(live);
  if (enabledIn(live) === activate) return { type: 'already', detail: `enabled is ${activate}` };
  const answer = await rest.send({ method: 'POST', path: `${path}/state?activate=${activate}` });
  if (!answer.ok) return gone(answer);
  return { type: 'accepted', detail: `HTTP ${answer.status}` };
}

function gone(answer: Extract<RestAnswer, { ok: false }>): ApplyOutcome {
  if (answer.status === 404) return refused('HTTP 404, the gateway does not know this id');
  if (answer.status === 400)
    return refused('HTTP 400, the gateway says no more than that it failed');
  return answer.outcome;
}

/** Final. A revoked token is kept as revoked, so that an unknown id is a mistake and not a success. */
async function revoke(rest: Rest, switches: readonly Switch[]): Promise<ApplyOutcome> {
  for (const { path } of switches) {
    const answer = await rest.send({ method: 'DELETE', path: adminPath(path) });
    if (!answer.ok) return gone(answer);
  }
  return { type: 'accepted', detail: 'revoked' };
}

/** Tokens of others are revoked where administrators do it. */
function adminPath(path: string): string {
  return path.replace('/tokens/', '/tokens/admin/');
}

function enabledIn(answer: RestAnswer): boolean | null {
  const enabled = answer.ok ? answer.body['enabled'] : null;
  return typeof enabled === 'boolean' ? enabled : null;
}

function standing(answer: RestAnswer, verb: Verb): ReadBack {
  if (verb === 'revoke_session') {
    // 404 is also what the token of somebody else looks like.
    const isActive = answer.ok ? answer.body['is_active'] : null;
    if (typeof isActive !== 'boolean') return 'unknown';
    return isActive ? 'absent' : 'applied';
  }
  const enabled = enabledIn(answer);
  if (enabled === null) return 'unknown';
  return enabled ? 'absent' : 'applied';
}

/** One that is not off is enough for not holding. */
function together(all: readonly ReadBack[]): ReadBack {
  if (all.includes('absent')) return 'absent';
  return all.includes('unknown') ? 'unknown' : 'applied';
}
