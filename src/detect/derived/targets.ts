/** Targets: how many objects a call touches, as the gateway says or its arguments count. */
import { type Asked, isCall, toolFacts } from './asked.ts';

/**
 * What the gateway says, else the argument that the library names: the length of a list, a number,
 * or 1 for one value. Undefined where neither says anything.
 */
export function targetsOf(asked: Asked): number | undefined {
  if (!isCall(asked)) return undefined;
  const { action } = asked.fact.event;
  if (action?.affected !== undefined) return action.affected;
  const pointer = toolFacts(asked)?.targets;
  if (pointer === undefined || action?.args === undefined) return undefined;
  const value = at(action.args, pointer);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  return value === undefined || value === null ? undefined : 1;
}

/** Value at a JSON Pointer; undefined where there is none. Own properties only. */
function at(root: unknown, pointer: string): unknown {
  let value: unknown = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
