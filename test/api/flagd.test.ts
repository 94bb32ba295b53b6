/** Flags: valid by the published schema's rules, and evaluated as flagd does they say the posture. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flagsOf } from '../../src/api/flagd.ts';
import type { StandingPosture } from '../../src/model/posture.ts';
import { against, lease, NOW_MS, OPTIONS, stateOf } from './standing.ts';

interface Flag {
  readonly state: string;
  readonly variants: Readonly<Record<string, unknown>>;
  readonly defaultVariant: string;
  readonly targeting: Rule;
}
type Rule = Readonly<Record<string, readonly unknown[]>>;

const flags = (leases: readonly StandingPosture[]) => {
  const text = flagsOf(stateOf(leases), OPTIONS).body.toString('utf8');
  const parsed = JSON.parse(text) as { flags: Record<string, Flag>; metadata: { version: string } };
  return parsed;
};

/** JsonLogic as far as flagd's targeting has it here. */
function evaluate(rule: unknown, context: Readonly<Record<string, unknown>>): unknown {
  if (typeof rule !== 'object' || rule === null) return rule;
  const [operator = '', given] = Object.entries(rule)[0] ?? [];
  if (operator === '') return null;
  if (operator === 'var') return context[String(given)];
  const parts = given as unknown[];
  const value = (at: number) => evaluate(parts[at], context);
  switch (operator) {
    case 'if':
      return value(0) === true ? value(1) : value(2);
    case 'or':
      return parts.some((_, at) => value(at) === true);
    case 'and':
      return parts.every((_, at) => value(at) === true);
    case '==':
      return value(0) === value(1);
    case '<':
      return Number(value(0)) < Number(value(1));
    default:
      return assert.fail(`no rule ${operator}`);
  }
}

const asked = (
  { flags: all }: ReturnType<typeof flags>,
  key: string,
  context: Readonly<Record<string, string>>,
  nowMs = NOW_MS,
): unknown => {
  const flag = all[key];
  assert.ok(flag !== undefined);
  const seen = { ...context, '$flagd.timestamp': Math.floor(nowMs / 1000) };
  return flag.variants[String(evaluate(flag.targeting, seen) ?? flag.defaultVariant)];
};

/** The rules of flags.json and targeting.json (v0) for what we write. */
function assertValid(flag: Flag): void {
  assert.ok(['ENABLED', 'DISABLED'].includes(flag.state));
  const kinds = new Set(Object.values(flag.variants).map((one) => typeof one));
  assert.equal(kinds.size, 1);
  assert.ok(Object.keys(flag.variants).every((name) => name.length > 0));
  assert.ok(Object.hasOwn(flag.variants, flag.defaultVariant));
  if (Object.keys(flag.targeting).length > 0) assertRule(flag.targeting);
}

const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  if: [3, 3],
  '==': [2, 2],
  '<': [1, 3],
  and: [1, 1e9],
  or: [1, 1e9],
};

function assertRule(rule: unknown): void {
  if (rule === null || ['string', 'number', 'boolean'].includes(typeof rule)) return;
  assert.ok(typeof rule === 'object' && !Array.isArray(rule), JSON.stringify(rule));
  const entries = Object.entries(rule);
  assert.equal(entries.length, 1);
  const [operator, given] = entries[0] as [string, unknown];
  if (operator === 'var') {
    assert.match(String(given), /^(?:\$flagd\.(?:timestamp|flagKey)|(?!\$flagd\.).+)$/);
    return;
  }
  const [least, most] = SIZES[operator] ?? assert.fail(operator);
  assert.ok(Array.isArray(given) && given.length >= least && given.length <= most, operator);
  for (const part of given) assertRule(part);
}

const LEASES = [
  lease(1, { verb: 'suspend_agent', expiresMs: NOW_MS + 60_000 }),
  lease(2, { verb: 'posture' }),
  lease(3, { expiresMs: NOW_MS + 120_000 }),
  against(4, { agent: 'agent-8', session: 's-1', tools: ['read_file', 'write_file'] }),
];

describe('flagd', () => {
  it('writes flags that the schema takes', () => {
    for (const leases of [[], LEASES, LEASES.slice(3)])
      for (const flag of Object.values(flags(leases).flags)) assertValid(flag);
  });

  it('gives the level of an agent, and each entry ends without us', () => {
    const all = flags(LEASES);
    const level = (ms: number) => asked(all, 'agent-posture', { targetingKey: 'agent-7' }, ms);
    assert.equal(level(NOW_MS), 'halt');
    assert.equal(level(NOW_MS + 59_999), 'halt');
    assert.equal(level(NOW_MS + 60_000), 'conservative');
    assert.equal(level(NOW_MS + 600_000), 'normal');
    assert.equal(asked(all, 'agent-posture', { targetingKey: 'agent-9' }), 'normal');
  });

  it('knows sessions and tools', () => {
    const all = flags(LEASES);
    const who = { targetingKey: 'agent-8', session: 's-1' };
    assert.equal(asked(all, 'agent-posture', who), 'guarded');
    assert.equal(asked(all, 'agent-posture', { ...who, session: 's-2' }), 'normal');
    assert.equal(asked(all, 'tool-frozen', { ...who, tool: 'write_file' }), true);
    assert.equal(asked(all, 'tool-frozen', { ...who, tool: 'send_money' }), false);
    assert.equal(asked(all, 'tool-frozen', { ...who, session: 's-2', tool: 'write_file' }), false);
    const other = { targetingKey: 'agent-7', tool: 'send_money' };
    assert.equal(asked(all, 'tool-frozen', other), true);
    assert.equal(asked(all, 'tool-frozen', other, NOW_MS + 120_000), false);
  });

  it('stays flat however many agents there are: parsers bound their depth', () => {
    const many = Array.from({ length: 500 }, (_, n) => against(n, { agent: `agent-${n}` }));
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map(depth))
        : 0;
    assert.ok(depth(flags(many)) <= 16, String(depth(flags(many))));
  });
});
