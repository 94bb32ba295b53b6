/** Targets and arguments: how much a call touches, and whether the tool takes what it gets. */
import { type Asked, isCall, toolFacts } from './asked.ts';

const NAMES_MAX = 64;

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

/** Does the call touch more than the library allows? Undefined where nothing is declared or counted. */
export function isTooMany(asked: Asked): boolean | undefined {
  const most = toolFacts(asked)?.maxTargets;
  const targets = most === undefined ? undefined : targetsOf(asked);
  return most === undefined || targets === undefined ? undefined : targets > most;
}

/** Arguments that the tool does not have; undefined where the library does not list them. */
export function strayArguments(asked: Asked): readonly string[] | undefined {
  const parameters = toolFacts(asked)?.parameters;
  const args = asked.fact.event.action?.args;
  if (parameters === undefined || args === undefined) return undefined;
  return Object.keys(args)
    .filter((key) => key !== '_meta' && !parameters.includes(key))
    .slice(0, NAMES_MAX);
}

/** Arguments that the tool needs and the call does not have; undefined where none are declared. */
export function missingArguments(asked: Asked): readonly string[] | undefined {
  const required = toolFacts(asked)?.required;
  const args = asked.fact.event.action?.args;
  if (required === undefined || args === undefined) return undefined;
  return required.filter((name) => !Object.hasOwn(args, name));
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
