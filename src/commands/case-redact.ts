/** Redaction of recorded events: digests for content, other names for agents and sessions. */
import { createHmac } from 'node:crypto';

/** How events of one case are rewritten. The same text becomes the same digest throughout it. */
export interface Redaction {
  /** Recorded name → name in the case, wherever a text equals it. */
  readonly names: ReadonlyMap<string, string>;
  /** Key of the digests; nobody keeps it, so that no guess can be checked against them. */
  readonly key: Buffer;
}

const DIGEST_LENGTH = 12;
/** Below it a number says how many, page or level; above it may be an account or an amount. */
const SMALL = 1000;

/** Keys whose texts say how a record is built, not what it is about. */
const STRUCTURE = new Set(
  (
    'kind category of level op provider model finish tool tools toolType server method phase decision ' +
    'outcome errorType signature change class tier role taskType mode type temporality unit name ' +
    'verdict basis trust environment zone controls scopes steps rule revision eventNs'
  ).split(' '),
);
/** Keys below which everything is content, whatever its own key. */
const CONTENT = new Set(['args', 'result', 'attrs']);
/** Objects of which `id` is a name in a register, and no content; targets, where they are of these types. */
const REGISTERED = new Set(['policy', 'plan']);
const TARGETS: ReadonlySet<unknown> = new Set([
  'tool',
  'role',
  'fleet',
  'policy',
  'model',
  'prompt',
]);
/** An argument's name is part of the tool's definition; anything else as a key is content too. */
const PARAMETER = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const POINTERS = 'leafDigests';

/** The value with its content replaced. Never changes the shape of what is not content. */
export function redacted(value: unknown, redaction: Redaction): unknown {
  return walk(value, [], redaction);
}

function walk(value: unknown, path: readonly string[], redaction: Redaction): unknown {
  if (Array.isArray(value)) return value.map((each) => walk(each, path, redaction));
  if (typeof value === 'object' && value !== null) {
    const isTarget = path.at(-1) === 'target' && TARGETS.has((value as { type?: unknown }).type);
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        nameOfKey(key, path, redaction),
        isTarget && key === 'id' ? each : walk(each, [...path, key], redaction),
      ]),
    );
  }
  const isContent = path.some((key) => CONTENT.has(key));
  if (typeof value === 'string') return textOf(value, path, isContent, redaction);
  if (typeof value === 'number' && isContent) return numberOf(value, redaction);
  return value;
}

function nameOfKey(key: string, path: readonly string[], redaction: Redaction): string {
  if (path.at(-1) === POINTERS || !path.some((one) => CONTENT.has(one))) return key;
  return PARAMETER.test(key) ? key : digestOf(key, redaction);
}

function textOf(
  value: string,
  path: readonly string[],
  isContent: boolean,
  redaction: Redaction,
): string {
  const named = redaction.names.get(value);
  if (named !== undefined) return named;
  const [parent, key] = [path.at(-2) ?? '', path.at(-1) ?? ''];
  if (!isContent && STRUCTURE.has(key)) return value;
  // What a register calls its entries, and what a flag is set to.
  if (!isContent && (parent === 'flag' || (key === 'id' && REGISTERED.has(parent)))) return value;
  // Nothing to hide, and an empty text is often looked for.
  return value === '' ? '' : digestOf(value, redaction);
}

function digestOf(value: string, { key }: Redaction): string {
  return `x${createHmac('sha256', key).update(value).digest('hex').slice(0, DIGEST_LENGTH)}`;
}

/** Another number of as many digits and the same sign; small whole ones, and none at all, stay. */
function numberOf(value: number, { key }: Redaction): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < SMALL)) return value;
  const digits = Math.max(1, Math.min(15, Math.trunc(Math.abs(value)).toString().length));
  const drawn = createHmac('sha256', key).update(String(value)).digest().readUIntBE(0, 6);
  const low = digits === 1 ? 0 : 10 ** (digits - 1);
  const other = low + (drawn % (10 ** digits - low));
  return Math.sign(value) * (Number.isInteger(value) ? other : other + 0.5);
}
