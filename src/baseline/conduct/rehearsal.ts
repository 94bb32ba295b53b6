/** Rehearsal: hijacks made of a window’s own sessions, for it holds no attacks to learn from. */
import type { CallItem, SayItem, UnitItem, UnitRecord } from '../../model/unit.ts';
import { textOf } from '../../stats/sentences.ts';

/** A made unit: which calls were spliced in, in the order of its calls. */
export interface Rehearsed {
  readonly unit: UnitRecord;
  /** hijack: the instruction was read and obeyed · ignored: it was read and nothing else. */
  readonly kind: 'hijack' | 'ignored';
  /** The spliced calls; the last of them is what the instruction asks for. */
  readonly spliced: ReadonlySet<UnitItem>;
  readonly aim: UnitItem | null;
}

/** A source of seeded numbers in [0, 1). */
export type Uniform = () => number;

/** What rehearsals draw from. */
export interface Stock {
  /** Words of mandates and results, sorted. */
  readonly words: readonly string[];
  /** First words of mandates. */
  readonly verbs: readonly string[];
}

const LITERAL =
  /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|(?:https?:\/\/|www\.)[^\s"'<>()[\]{}|\\^`,]{1,512}|(?:\/[\w.-]{1,128}){2,24}|\b[A-Za-z_-]{0,64}\d[\w-]{0,64}\b/g;

/** Seeded numbers: mulberry32. */
export function uniformOf(seed: number): Uniform {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Words to make values and requests of. */
export function stockOf(units: readonly UnitRecord[]): Stock {
  const words = new Set<string>();
  const verbs = new Set<string>();
  for (const { head } of units) {
    const mandate = (head.mandate ?? '').slice(0, 4096).toLowerCase();
    for (const word of mandate.match(/[a-z]{3,24}/g) ?? []) words.add(word);
    for (const clause of mandate.split(/[.!?]\s{0,4}/)) {
      const [verb = ''] = clause
        .replace(/^(?:please|could you|can you|also,?|then,?)\s{1,4}/, '')
        .split(' ');
      if (/^[a-z]{3,24}$/.test(verb)) verbs.add(verb);
    }
  }
  for (const { items } of units.slice(0, 100))
    for (const item of items)
      if (item.type === 'call')
        for (const word of textOf(item.result)
          .toLowerCase()
          .match(/\b[a-z]{4,24}\b/g)
          ?.slice(0, 50) ?? [])
          words.add(word);
  if (words.size === 0) words.add('item');
  if (verbs.size === 0) verbs.add('do');
  return { words: [...words].sort(), verbs: [...verbs].sort() };
}

/** Can this call be the aim of a hijack: does it change something, with values to choose? */
export function isAim(item: UnitItem): item is CallItem {
  return (
    item.type === 'call' &&
    item.toolClass !== null &&
    item.toolClass !== 'read' &&
    item.granted !== false &&
    Object.keys(item.args ?? {}).length > 0
  );
}

/**
 * One rehearsal: an instruction is put into the result of one of the host's calls, and where it is
 * obeyed one to three of the donor's calls follow, with every identifier replaced by another of the
 * same form. Null where host or donor offer nothing. `tool`: the aim calls this tool.
 */
export function rehearse(
  uniform: Uniform,
  stock: Stock,
  { host, donor, tool }: { host: UnitRecord; donor: UnitRecord; tool: string | null },
  kind: Rehearsed['kind'],
): Rehearsed | null {
  const carriers = host.items.flatMap((item, at) => (carries(item) ? [[item, at] as const] : []));
  const calls = donor.items.filter((item): item is CallItem => item.type === 'call');
  const aims = calls.flatMap((item, at) =>
    isAim(item) && (tool === null || item.tool === tool) ? [at] : [],
  );
  if (carriers.length === 0 || aims.length === 0) return null;
  const [carrier, carrierAt] = pick(uniform, carriers);
  const aimAt = pick(uniform, aims);
  const taken = calls.slice(Math.max(0, aimAt - Math.floor(uniform() * 3)), aimAt + 1);
  const other = disguise(uniform, stock);
  const spliced = taken.map((item) => ({
    ...item,
    args: other.args(item.args) as CallItem['args'],
    result: other.result(item.result),
    granted: true,
    ms: carrier.ms,
    ours: false,
  }));
  const aim = spliced[spliced.length - 1] as CallItem;
  const text = instruction(uniform, stock, aim, other.text(sentenceOf(uniform, donor)));
  const items: UnitItem[] = host.items.map((item) =>
    item === carrier ? { ...carrier, result: insert(uniform, carrier.result, text) } : item,
  );
  if (kind === 'hijack') splice(uniform, items, carrierAt, spliced);
  return {
    unit: { ...host, items },
    kind,
    spliced: new Set(kind === 'hijack' ? spliced : []),
    aim: kind === 'hijack' ? aim : null,
  };
}

/** Has this call a result in which somebody else could have written? Sizes speak where texts do not. */
function carries(item: UnitItem): item is CallItem {
  if (item.type !== 'call' || item.outcome === 'error' || item.ours) return false;
  return item.result === null ? (item.bytes ?? 99) > 10 : textOf(item.result).length > 10;
}

function splice(
  uniform: Uniform,
  items: UnitItem[],
  carrierAt: number,
  spliced: readonly CallItem[],
): void {
  let at = carrierAt + 1;
  while (at < items.length && items[at]?.type === 'call') at += 1;
  // Now and then the agent finishes what it was at before it obeys.
  if (uniform() < 0.25)
    for (let turn = 0; turn < 2 && at < items.length; turn += 1) {
      at += 1;
      while (at < items.length && items[at]?.type !== 'say') at += 1;
    }
  const [first] = spliced;
  const say = (tools: readonly string[]): SayItem => ({
    type: 'say',
    seq: null,
    ms: first?.ms ?? 0,
    text: null,
    tools,
  });
  const together = uniform() < 0.25;
  const put: UnitItem[] = together ? [say(spliced.map(({ tool }) => tool)), ...spliced] : [];
  if (!together) for (const item of spliced) put.push(say([item.tool]), item);
  at = Math.min(at, items.length);
  items.splice(at, 0, ...put);
  // Some never come back to what they were asked.
  if (uniform() < 0.15) items.length = Math.min(items.length, at + put.length);
}

interface Disguise {
  text(text: string): string;
  args(value: unknown): unknown;
  result(value: unknown): unknown;
}

/** Other identifiers in place of the donor's, the same ones wherever they occur. */
function disguise(uniform: Uniform, stock: Stock): Disguise {
  const literals = new Map<string, string>();
  const values = new Map<string, string>();
  const text = (plain: string) =>
    plain.replace(LITERAL, (literal) =>
      remembered(literals, literal, () => freshLiteral(uniform, stock, literal)),
    );
  const value = (plain: string) =>
    remembered(values, plain, () => text(rephrased(uniform, stock, plain)));
  const number = (n: number) => (uniform() < 0.6 ? Math.round(n * (0.3 + 2 * uniform())) : n);
  return {
    text,
    args: (args) =>
      mapped(
        mapped(args, value, (n) => n),
        (plain) => plain,
        number,
      ),
    result: (result) => mapped(result, text, (n) => n),
  };
}

function remembered(known: Map<string, string>, key: string, make: () => string): string {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

/** Half of the free phrases are said in other words. */
function rephrased(uniform: Uniform, { words }: Stock, plain: string): string {
  if (!/^[\p{L} ,.']{4,60}$/u.test(plain) || uniform() >= 0.5) return plain;
  return plain
    .split(' ')
    .map((word) => (uniform() < 0.6 ? pick(uniform, words) : word))
    .join(' ');
}

function freshLiteral(uniform: Uniform, { words }: Stock, literal: string): string {
  const word = () => pick(uniform, words);
  if (/^[\w.+-]{1,64}@/.test(literal))
    return `${word()}${pick(uniform, ['.', '_', ''])}${word()}@${word()}.${pick(uniform, ['com', 'org', 'net', 'io'])}`;
  if (/^(?:https?:|www)/.test(literal)) {
    const scheme = literal.startsWith('http')
      ? pick(uniform, ['https://', 'https://www.', 'http://'])
      : 'www.';
    const tail = uniform() < 0.5 ? '' : `/${word()}`;
    return `${scheme}${word()}${pick(uniform, ['-', '_', ''])}${word()}.${pick(uniform, ['com', 'org', 'net', 'info'])}${tail}`;
  }
  if (literal.startsWith('/'))
    return `/${word()}/${word()}${/\.\w{1,4}$/.exec(literal)?.[0] ?? ''}`;
  if (/^\d{4}-\d\d-\d\d/.test(literal)) return literal;
  if (/^\d{1,3}$/.test(literal))
    return uniform() < 0.5 ? literal : String(1 + Math.floor(uniform() * 999));
  const letter = (first: number) => String.fromCharCode(first + Math.floor(uniform() * 26));
  return literal
    .replace(/[a-z]/g, () => letter(97))
    .replace(/[A-Z]/g, () => letter(65))
    .replace(/\d/g, () => String(Math.floor(uniform() * 10)));
}

/** What the planted text says: a plain request, alone or behind a sentence of the donor's mandate. */
function instruction(uniform: Uniform, stock: Stock, aim: CallItem, mandate: string): string {
  const style = uniform();
  let text = request(uniform, stock, aim);
  if (style >= 0.85) {
    const values = valuesOf(aim.args)
      .map(([path, value]) => `${path.replaceAll('_', ' ')} ${value}`)
      .join(', ');
    text = `${mandate} ${values.slice(0, 200)}`;
  } else if (style >= 0.65) text = `${mandate} ${text}`;
  if (uniform() >= 0.25) return text;
  const words = [0, 1, 2, 3].map(() => pick(uniform, stock.words));
  return `${words.join(' ')}. ${text}`;
}

/** A request in the words of the tool and its values, in many manners. */
function request(uniform: Uniform, stock: Stock, { tool, args }: CallItem): string {
  const words = tool
    .slice(0, 256)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== '');
  if (uniform() < 0.4) words[0] = uniform() < 0.5 ? '' : pick(uniform, stock.verbs);
  const said: string[] = [];
  for (const [path, value] of valuesOf(args)) {
    if (value === '' || value === 'null' || uniform() < 0.12) continue;
    const short = value.length > 120 ? value.slice(0, 60 + Math.floor(uniform() * 60)) : value;
    said.push(namedValue(uniform, path.replaceAll('_', ' '), short));
  }
  const values = uniform() < 0.3 ? said.reverse() : said;
  const opening = pick(uniform, [
    ...['', '', 'Please ', 'please ', 'You should ', 'Kindly ', 'First, '],
    ...['We need you to ', 'Before you continue, '],
  ]);
  const end = pick(uniform, ['.', '.', '!', '', ' now.']);
  return `${opening}${words.join(' ').trim()} ${values.join(' ')}${end}`;
}

function namedValue(uniform: Uniform, name: string, value: string): string {
  const shown = uniform() < 0.5 ? `'${value}'` : value;
  const manner = uniform();
  if (manner < 0.3) return shown;
  if (manner < 0.55)
    return `${pick(uniform, ['with', 'with the', 'using', 'and'])} ${name} ${shown}`;
  if (manner < 0.75) return `${pick(uniform, ['to', 'for', 'at', 'in', 'from'])} ${shown}`;
  return `${name} ${pick(uniform, ['', 'of ', 'as ', 'is '])}${shown}`;
}

function insert(uniform: Uniform, result: unknown, text: string): unknown {
  if (result === null) return null;
  const whole = textOf(result);
  const places = [0, whole.length];
  for (const match of whole.matchAll(/\n|[.!?] |> /g)) places.push(match.index + match[0].length);
  const at = pick(uniform, places);
  return `${whole.slice(0, at)}${pick(uniform, ['\n', '\n', ' '])}${text}\n${whole.slice(at)}`;
}

function sentenceOf(uniform: Uniform, { head }: UnitRecord): string {
  return pick(uniform, (head.mandate ?? '').slice(0, 4096).split(/(?<=[.!?])\s{1,8}/)) ?? '';
}

function valuesOf(args: unknown): [path: string, value: string][] {
  const found: [string, string][] = [];
  const walk = (value: unknown, path: string, depth: number): void => {
    if (value === null || value === undefined || typeof value === 'boolean' || depth > 6) return;
    if (Array.isArray(value)) for (const item of value) walk(item, path, depth + 1);
    else if (typeof value === 'object')
      for (const [key, member] of Object.entries(value)) walk(member, key, depth + 1);
    else if (found.length < 48) found.push([path, String(value)]);
  };
  walk(args, '', 0);
  return found;
}

function mapped(
  value: unknown,
  text: (plain: string) => string,
  number: (n: number) => number,
): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return value.map((item) => mapped(item, text, number));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, mapped(member, text, number)]),
  );
}

function pick<T>(uniform: Uniform, choice: readonly T[]): T {
  return choice[Math.floor(uniform() * choice.length)] as T;
}
