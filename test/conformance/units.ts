/** Units for conformance: an ordinary fleet from a seed, and items no honest source would send. */
import type { CallItem, UnitItem, UnitRecord } from '../../src/model/unit.ts';
import { chance, integer, pick, type Random, stream } from '../../src/simulation/random.ts';

/** A word that stands in every text of a unit, and may stand in no sentence about it. */
export const SECRET = 'zanzibar';

const DAY_MS = 86_400_000;
const TOOLS: readonly (readonly [tool: string, toolClass: string])[] = [
  ['find_note', 'read'],
  ['open_note', 'read'],
  ['save_note', 'write'],
  ['post_note', 'communicate'],
  ['run_job', 'execute'],
];

/** A call, with whatever differs from an ordinary one. */
export function callOf(over: Partial<CallItem> = {}): CallItem {
  return {
    type: 'call',
    seq: 1,
    ms: DAY_MS,
    eventId: 'e1',
    tool: 'find_note',
    toolClass: 'read',
    granted: true,
    args: { path: `https://notes.example/${SECRET}`, n: 4_711 },
    decision: 'allow',
    outcome: 'ok',
    result: { body: `${SECRET} in a result` },
    bytes: 12,
    ours: false,
    ...over,
  };
}

/** A unit of these items. */
export function unitOf(items: readonly UnitItem[], n = 0): UnitRecord {
  const times = items.map(({ ms }) => ms).filter(Number.isFinite);
  return {
    head: {
      tenant: 't',
      session: `s${n}`,
      agent: `a${n % 4}`,
      role: 'scribe',
      model: 'm-1',
      mandate: `Please look at the ${SECRET} notes of customer ${1_000 + (n % 7)}`,
      taskType: null,
      openedMs: times[0] ?? 0,
    },
    items,
    grants: Object.fromEntries(TOOLS),
    lastMs: Math.max(0, ...times),
  };
}

function* ordinaryItems(random: Random, startMs: number): Generator<UnitItem> {
  let ms = startMs;
  yield { type: 'change', ms, change: 'session.opened', tools: [] };
  if (chance(random, 0.2))
    yield { type: 'change', ms, change: 'plan.declared', tools: ['open_note'] };
  const calls = integer(random, 2, 9);
  let at = 0;
  for (let seq = 1; seq <= calls; seq += 1) {
    at = chance(random, 0.7) ? (at + 1) % TOOLS.length : integer(random, 0, TOOLS.length - 1);
    const [tool, toolClass] = TOOLS[at] ?? ['find_note', 'read'];
    ms += integer(random, 500, 5_000);
    const text = `${SECRET}: step ${seq}, next ${pick(random, ['reading', 'writing', 'asking'])} it`;
    yield { type: 'say', seq, ms, text: chance(random, 0.6) ? text : null, tools: [tool] };
    yield callOf({
      ...{ tool, toolClass, seq, ms: ms + 1, eventId: `e${startMs}.${seq}` },
      args: { path: `https://notes.example/${SECRET}/${integer(random, 1, 9)}`, to: 'a@b.example' },
      outcome: chance(random, 0.1) ? 'error' : 'ok',
      decision: chance(random, 0.05) ? 'deny' : 'allow',
    });
  }
  for (const name of ['tokens', 'cost', 'duration_ms', 'bytes_out', 'llm_steps'])
    yield { type: 'metric', ms, name, value: integer(random, 10, 500) };
}

/** So many ordinary sessions over twenty days, some of two units, of four agents. */
export function ordinaryUnits(count: number, seed: number): UnitRecord[] {
  const random = stream(seed, 'units');
  return Array.from({ length: count }, (_, n) => {
    const startMs = (20_000 + (n % 20)) * DAY_MS + integer(random, 0, DAY_MS - 60_000);
    return unitOf([...ordinaryItems(random, startMs)], n - (n % 11 === 10 ? 1 : 0));
  });
}

/** A unit of broken, huge and malicious items, each of which a producer could send. */
export function hostileUnit(): UnitRecord {
  const long = `${SECRET} `.repeat(14_000);
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ':', ' ', '\u0000'];
  const many = Array.from({ length: 300 }, (_, n) => `${SECRET} tool number ${n}`);
  const deep = JSON.parse(`${'{"a":['.repeat(500)}"${SECRET}"${']}'.repeat(500)}`) as object;
  const args = [
    { [long.slice(0, 1_000)]: long },
    { deep },
    JSON.parse(`{"__proto__": {"x": "https://${SECRET}.example"}, "list": [1, null, "${SECRET}"]}`),
    { urls: Array.from({ length: 500 }, (_, n) => `https://${SECRET}${n}.example/`).join(' ') },
    Object.fromEntries(
      Array.from({ length: 2_000 }, (_, n) => [`${SECRET}${n}`, `${SECRET} ${n}`]),
    ),
  ] as Record<string, unknown>[];
  const calls = [...names, long, `Ignore this, ${SECRET}`, '\ud800', ...many].map((tool, n) =>
    callOf({
      tool,
      toolClass: n % 3 === 0 ? null : n % 3 === 1 ? long.slice(0, 500) : 'write',
      args: args[n % args.length] ?? null,
      ms: n % 5 === 0 ? Number.NaN : n % 7 === 0 ? 1e300 : -n,
      bytes: n % 2 === 0 ? Number.NaN : -1,
      result: n % 4 === 0 ? long : deep,
      outcome: 'unknown',
      eventId: `h${n}`,
    }),
  );
  const figures = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e308, 1e308, 0];
  const metrics = figures.flatMap((value, n) =>
    ['tokens', 'cost', 'duration_ms', '__proto__', long].map(
      (name): UnitItem => ({ type: 'metric', ms: n === 0 ? Number.NaN : n, name, value }),
    ),
  );
  const rest: UnitItem[] = [
    { type: 'say', seq: null, ms: 0, text: long, tools: [long, '__proto__', ...many] },
    { type: 'say', seq: 2, ms: 0, text: `${'x'.repeat(100_000)} \ud800 ${SECRET}`, tools: [] },
    { type: 'change', ms: Number.NaN, change: long, tools: many },
    { type: 'change', ms: 0, change: '__proto__', tools: ['__proto__', long] },
  ];
  return unitOf([...rest, ...calls, ...metrics, ...rest], 999);
}
