/** Window file: a bounded permission to learn as git keeps it, `baselines/windows/*.yaml`. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import { type LearningWindow, WINDOW_STATES, type WindowScope } from '../model/window.ts';
import { isoOf, msOfIso } from './iso-time.ts';
import { slugOf } from './profile-file.ts';
import { HASH_PATTERN } from './proposal.ts';
import { type Opening, WINDOW_MAX_MS } from './window.ts';

const strict = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });
const TIME = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$';

const OPENED_BY_RULE = 'a rule opens its windows itself; name the governance change';

/** What a file in `baselines/windows/` holds. */
export const WindowFile = Type.Object(
  {
    change: name('Governance event, signed by a listed approver other than the beneficiary.'),
    scope: Type.Object(
      {
        agent: Type.Optional(name('One agent.')),
        role: Type.Optional(name('One role.')),
        fleet: Type.Optional(Type.Literal(true)),
      },
      { ...strict, description: 'Exactly one of agent, role, fleet.' },
    ),
    dimensions: Type.Array(name('Dimension, family.* or *.'), {
      minItems: 1,
      maxItems: 256,
      description: 'What may be learnt; everything else stays in force.',
    }),
    tools: Type.Optional(
      Type.Array(name('Tool.'), { minItems: 1, maxItems: 1000, description: 'Only these tools.' }),
    ),
    opens: Type.String({ pattern: TIME, description: 'UTC, to the second.' }),
    expires: Type.String({ pattern: TIME, description: 'At most 30 days later.' }),
    beneficiary: Type.Optional(name('Whose behaviour it would excuse; never signs or approves.')),
    reason: Type.Optional(Type.String({ maxLength: 1024 })),
    // Written by export; `window open` takes a file in any state and opens a new window.
    state: Type.Optional(Type.Enum(WINDOW_STATES)),
    proposal: Type.Optional(Type.String({ pattern: HASH_PATTERN })),
    openedBy: Type.Optional(name('Who signed.')),
    approvedBy: Type.Optional(Type.Array(name('Who promoted.'), { maxItems: 64 })),
  },
  strict,
);
/** What a file in `baselines/windows/` holds. */
export type WindowFile = Static<typeof WindowFile>;

/** The file of a window, keys in the order people read them. */
export function windowFile(window: LearningWindow): WindowFile {
  const { scope, tools, beneficiary, proposal, approvals } = window;
  const { level, subject } = scope;
  return {
    change: window.change ?? `rule:${window.rule ?? 'none'}`,
    scope: level === 'fleet' ? { fleet: true } : { [level]: subject },
    dimensions: [...window.dimensions],
    ...(tools === null ? {} : { tools: [...tools] }),
    opens: isoOf(window.opensMs),
    expires: isoOf(window.expiresMs),
    ...(beneficiary === null ? {} : { beneficiary }),
    ...(window.reason === '' ? {} : { reason: window.reason }),
    state: window.state,
    ...(proposal === null ? {} : { proposal }),
    openedBy: window.openedBy,
    ...(approvals.length === 0 ? {} : { approvedBy: approvals.map(({ by }) => by) }),
  };
}

/** `<date>-<subject>-<first 6 of the id>.yaml`. */
export function windowFileName({ id, scope, opensMs }: LearningWindow): string {
  const subject = scope.level === 'fleet' ? 'fleet' : slugOf(scope.subject);
  return `${isoOf(opensMs).slice(0, 10)}-${subject}-${id.slice(0, 6)}.yaml`;
}

/** What a file asks to be opened, or every problem it has. */
export function readWindowFile(
  value: unknown,
  where: Located,
  openedBy: string,
): { readonly opening: Opening | null; readonly problems: readonly Problem[] } {
  const problems = schemaProblems(WindowFile, value, where);
  if (problems.length > 0) return { opening: null, problems };
  const file = value as WindowFile;
  const report = (path: readonly string[], message: string) =>
    problems.push(problemAt(where, path, message));
  const scopes = scopesOf(file);
  const [scope] = scopes;
  if (scopes.length !== 1) report(['scope'], 'exactly one of agent, role and fleet');
  const opensMs = msOfIso(file.opens);
  const expiresMs = msOfIso(file.expires);
  if (opensMs === null) report(['opens'], 'is no date');
  if (expiresMs === null) report(['expires'], 'is no date');
  const lengthMs = (expiresMs ?? 0) - (opensMs ?? 0);
  if (lengthMs <= 0) report(['expires'], 'lies before it opens');
  else if (lengthMs > WINDOW_MAX_MS) report(['expires'], 'a window gets 30 days at most');
  if (file.change.startsWith('rule:')) report(['change'], OPENED_BY_RULE);
  if (problems.length > 0 || scope === undefined || opensMs === null)
    return { opening: null, problems };
  const { change, dimensions, tools = null, beneficiary = null, reason = '' } = file;
  const opening = { scope, change, rule: null, dimensions, tools, opensMs, lengthMs };
  return { opening: { ...opening, openedBy, beneficiary, reason }, problems };
}

/** Problems of a file in whatever state; one that a rule opened is sound, though nobody opens it. */
export function windowFileProblems(value: unknown, where: Located): readonly Problem[] {
  return readWindowFile(value, where, 'nobody').problems.filter(
    ({ message }) => message !== OPENED_BY_RULE,
  );
}

function scopesOf({ scope }: WindowFile): WindowScope[] {
  const scopes: WindowScope[] = [];
  if (scope.agent !== undefined) scopes.push({ level: 'agent', subject: scope.agent });
  if (scope.role !== undefined) scopes.push({ level: 'role', subject: scope.role });
  if (scope.fleet === true) scopes.push({ level: 'fleet', subject: '*' });
  return scopes;
}
