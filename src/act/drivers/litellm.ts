/** LiteLLM driver: blocks keys, narrows their grants and limits, and puts back what stood. */
import { type Static, Type } from 'typebox';
import type { Prior } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention, Verb } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import type { Driver, DriverDefinition, DriverPlan } from '../driver.ts';
import { createRest, memberOf, type Rest, type RestAnswer, refused } from '../rest.ts';
import {
  type Fields,
  type Read,
  type Swap,
  swapApply,
  swapReadBack,
  swapSnapshot,
} from '../swap.ts';
import { parseTarget, RatePerMin, reachOf, strangerTo, Tenants } from '../target.ts';
import {
  type Limits,
  limitsIn,
  NO_SERVER_AT_ALL,
  permissionsWith,
  serversIn,
  toolsIn,
  wantedLimits,
  wantedTools,
} from './litellm-fields.ts';

const KeyHash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const hashesBy = (what: string) =>
  Type.Optional(Type.Record(Type.String({ minLength: 1 }), KeyHash, { description: what }));

const Options = Type.Object(
  {
    type: Type.Literal('litellm'),
    url: Type.String({ pattern: '^https?://', description: 'Base URL of the proxy.' }),
    adminKey: Secret,
    agents: hashesBy('Hash of the key of each agent, as /key/info shows it; never the key itself.'),
    sessions: hashesBy('Hash of the key of each session that has one of its own.'),
    tenants: Type.Optional(Tenants),
    servers: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1, maxLength: 200 }), {
        description: 'MCP server of each tool: for freezing one tool and not all of a key.',
      }),
    ),
    posture: Type.Optional(
      Type.Object(
        {
          rpm: Type.Optional(Type.Integer({ minimum: 1, description: 'Requests a minute.' })),
          parallel: Type.Optional(Type.Integer({ minimum: 1, description: 'Requests at once.' })),
          allowance: Type.Optional(
            Type.Number({ exclusiveMinimum: 0, description: 'May still be spent, in USD.' }),
          ),
          models: Type.Optional(
            Type.Array(Type.String({ minLength: 1 }), {
              minItems: 1,
              description: 'Models that may still be used.',
            }),
          ),
        },
        { additionalProperties: false, description: 'What a conservative posture leaves a key.' },
      ),
    ),
    grace: Type.Optional(
      duration('How long replicas may serve a key from their cache after it was blocked.', '65s'),
    ),
    timeout: Type.Optional(duration('For each request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

const VERBS_HERE: readonly Verb[] = ['posture', 'freeze_tool', 'revoke_session', 'suspend_agent'];
const WHAT: Readonly<Record<Verb, string>> = {
  posture: 'the limits of the key',
  freeze_tool: 'the grants of the key',
  revoke_session: 'the block of the key',
  suspend_agent: 'the block of the key',
};

/** The driver. */
export const litellm: DriverDefinition<Options> = {
  type: 'litellm',
  claim:
    'Keys of a model and tool proxy; its replicas may serve a blocked key from a cache for a minute and longer.',
  verbs: VERBS_HERE,
  options: Options,
  make({ http, clock, source, options, secret }) {
    const address = parseTarget(options.url);
    if (!address.ok) return address;
    if (Object.keys({ ...options.agents, ...options.sessions }).length === 0)
      return { ok: false, problem: 'lists no key to act on: give agents or sessions' };
    const { posture } = options;
    if (posture !== undefined && Object.keys(posture).length === 0)
      return {
        ok: false,
        problem: 'posture limits nothing: give rpm, parallel, allowance or models',
      };
    const base = `${address.url.origin}${address.url.pathname.replace(/\/$/, '')}`;
    const restFor = (intention: Intention) =>
      createRest({
        ...{ http, clock, base },
        headers: {
          authorization: `Bearer ${secret('adminKey')}`,
          'litellm-changed-by': `${source}/${intention.caseId}`,
        },
        timeoutMs: durationMs(options.timeout ?? '5s'),
        credential: 'the admin key and its role proxy_admin',
      });
    return { ok: true, driver: driverOf(options, base, restFor) };
  },
};

function driverOf(options: Options, base: string, restFor: (intention: Intention) => Rest): Driver {
  const verbs = VERBS_HERE.filter((verb) => verb !== 'posture' || options.posture !== undefined);
  const swapFor = (intention: Intention) => {
    const key = keyOf(options, intention);
    if (!key.ok) return key;
    return { ok: true as const, swap: swapOf(restFor(intention), key.hash, options, intention) };
  };
  return {
    capabilities: () => ({
      verbs,
      irreversible: ['revoke_session'],
      subjects: ['agent', 'session', 'tool'],
      blast: 'subject',
      selfExpiring: false,
      readBack: true,
      readBackAfterMs: 2_000,
      graceMs: durationMs(options.grace ?? '65s'),
      ratePerMin: options.ratePerMin ?? 10,
    }),
    plan: (intention, prior) => planOf(options, base, intention, prior),
    async snapshot(intention) {
      const found = swapFor(intention);
      return found.ok ? swapSnapshot(found.swap) : refused(found.problem);
    },
    async apply(intention, prior) {
      const found = swapFor(intention);
      if (!found.ok) return refused(found.problem);
      return swapApply(found.swap, intention.step, prior, WHAT[intention.verb]);
    },
    async readBack(intention, prior) {
      const found = swapFor(intention);
      return found.ok ? swapReadBack(found.swap, prior) : 'unknown';
    },
  };
}

/** The key of exactly this subject: a session without a key of its own is not its agent. */
function keyOf(
  options: Options,
  intention: Intention,
): { readonly ok: true; readonly hash: string } | { readonly ok: false; readonly problem: string } {
  const { verb, subject } = intention;
  const no = (problem: string) => ({ ok: false as const, problem });
  const stranger = strangerTo(options.tenants, intention);
  if (stranger !== null) return no(stranger);
  if (verb === 'posture' && options.posture === undefined)
    return no('no posture is configured for this driver');
  const { agent, session } = subject;
  const { servers = {} } = options;
  const [listed, name, kind] =
    session === null ? [options.agents, agent, 'agents'] : [options.sessions, session, 'sessions'];
  if (verb === 'freeze_tool' && subject.tools.some((tool) => !Object.hasOwn(servers, tool)))
    return no('a tool is not listed in servers of this driver');
  const hash = listed !== undefined && Object.hasOwn(listed, name) ? listed[name] : undefined;
  if (hash === undefined) return no(`not listed in ${kind} of this driver, so it has no key here`);
  return { ok: true, hash };
}

/** What of the key's row an intention is about, how it is read, and how it is written. */
function swapOf(rest: Rest, key: string, options: Options, { verb, subject }: Intention): Swap {
  const info = () => rest.read(`/key/info?key=${key}`);
  const grants = (object_permission: Fields) =>
    written(rest, '/key/update', { key, object_permission });
  if (verb === 'freeze_tool' && subject.tools.length === 0)
    return {
      read: async () => readFields(await info(), serversIn),
      wanted: () => ({ ok: true, fields: NO_SERVER_AT_ALL }),
      write: grants,
    };
  if (verb === 'freeze_tool') {
    const { servers = {} } = options;
    return {
      read: async () => readFields(await info(), (of) => toolsIn(of, subject.tools, servers)),
      wanted: wantedTools,
      write: (fields, { raw = {} }) => grants(permissionsWith(fields, raw, servers)),
    };
  }
  if (verb === 'posture') {
    const limits: Limits = options.posture ?? {};
    return {
      read: async () => readFields(await info(), limitsIn),
      wanted: (prior, context) => wantedLimits(prior, context, limits),
      write: (fields) => written(rest, '/key/update', { key, ...fields }),
    };
  }
  return {
    read: async () => readBlock(rest, await info()),
    wanted: (_, { admin }) =>
      admin === true
        ? { ok: false, problem: 'the key is an admin’s, and a blocked admin key goes on working' }
        : { ok: true, fields: { blocked: true } },
    write: ({ blocked }) =>
      written(rest, blocked === true ? '/key/block' : '/key/unblock', { key }),
  };
}

function infoIn(answer: RestAnswer): Fields | null {
  const info = answer.ok ? answer.body['info'] : null;
  return typeof info === 'object' && info !== null ? (info as Fields) : null;
}

function readFields(
  answer: RestAnswer,
  of: (info: Fields) => Omit<Extract<Read, { ok: true }>, 'ok'>,
): Read {
  if (!answer.ok) return { ok: false, outcome: unknownKey(answer) };
  const info = infoIn(answer);
  if (info === null)
    return { ok: false, outcome: refused('/key/info does not say what the key is') };
  return { ok: true, ...of(info) };
}

/** Whose key it is matters: the block of an admin's is not looked at (litellm issue 35535). */
async function readBlock(rest: Rest, answer: RestAnswer): Promise<Read> {
  const user = infoIn(answer)?.['user_id'];
  const read = readFields(answer, (info) => ({
    fields: { blocked: info['blocked'] === true },
    context: {},
  }));
  if (!read.ok || typeof user !== 'string' || user === '') return read;
  const asked = await rest.read(`/user/info?user_id=${encodeURIComponent(user)}`);
  // A user the proxy does not know has no role; anything else must be known before it is blocked.
  if (!asked.ok) return asked.status === 404 ? read : { ok: false, outcome: asked.outcome };
  const role = (asked.body['user_info'] as Fields | null | undefined)?.['user_role'];
  return { ...read, context: { admin: role === 'proxy_admin' } };
}

function unknownKey(answer: Extract<RestAnswer, { ok: false }>) {
  if (answer.status !== 404) return answer.outcome;
  return refused('HTTP 404, the proxy does not know this key hash');
}

async function written(rest: Rest, path: string, body: Fields) {
  const answer = await rest.send({ method: 'POST', path, body });
  if (!answer.ok) return unknownKey(answer);
  return { type: 'accepted' as const, detail: `HTTP ${answer.status}` };
}

function planOf(
  options: Options,
  base: string,
  intention: Intention,
  prior: Prior | null,
): DriverPlan {
  const { verb, subject } = intention;
  const key = keyOf(options, intention);
  const isBlock = verb === 'suspend_agent' || verb === 'revoke_session';
  const stood = prior === null ? 'what stood, read before' : JSON.stringify(prior['fields']);
  const undo = isBlock
    ? 'POST /key/unblock, unless it was blocked before'
    : `POST /key/update with ${stood}`;
  return {
    method: 'POST',
    url: `${base}${isBlock ? '/key/block' : '/key/update'}`,
    headers: { authorization: '<masked>' },
    body: key.ok ? JSON.stringify({ key: key.hash, ...setBy(options, intention, prior) }) : '',
    undo: verb === 'revoke_session' ? null : undo,
    reach: key.ok ? reachOf(subject) : `nobody: ${key.problem}`,
  };
}

/** What is set beside the key, as far as it can be told without asking. */
function setBy(options: Options, { verb, subject }: Intention, prior: Prior | null): Fields {
  if (verb === 'freeze_tool' && subject.tools.length === 0)
    return { object_permission: NO_SERVER_AT_ALL };
  if (verb === 'freeze_tool')
    return { object_permission: { mcp_tool_permissions: `without ${subject.tools.join(', ')}` } };
  if (verb !== 'posture') return {};
  const wanted = wantedLimits(
    memberOf(prior, 'fields') ?? {},
    memberOf(prior, 'context') ?? {},
    options.posture ?? {},
  );
  return prior !== null && wanted.ok
    ? wanted.fields
    : { limits: `at most ${JSON.stringify(options.posture)}` };
}
