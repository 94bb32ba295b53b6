/** Templates: arguments, results and sentences with placeholders, compiled once to functions. */
import { make } from './facts.ts';
import { integer, type Random } from './random.ts';
import type { Args, Facts } from './role.ts';

/**
 * JSON with placeholders in its texts. `{name}` is a fact, `{name#}` the n-th of a list of facts
 * where n is the repetition at hand, `{@key}` the argument of that name, `{=maker:argument}` a value
 * made on the spot, `{note}` the text of third parties. A text that is one placeholder keeps the
 * type of its value. A list whose first item is `*2-5` repeats its second item so often.
 */
export type Template =
  | string
  | number
  | boolean
  | null
  | readonly Template[]
  | { readonly [key: string]: Template };

/** What a template is filled from. */
export interface Filling {
  readonly facts: Facts;
  readonly args?: Args;
  readonly note?: string;
}

type Fill = (random: Random, filling: Filling) => unknown;

const PLACEHOLDER = /\{([^{}]+)\}/g;

function filled(name: string): Fill {
  if (name === 'note') return (_, { note = '' }) => note;
  if (name.startsWith('=')) {
    const spec = name.slice(1);
    return (random, { facts }) => make(random, spec, facts);
  }
  if (name.startsWith('@')) return (_, { args }) => args?.[name.slice(1)] ?? '';
  if (name.endsWith('#')) {
    const list = name.slice(0, -1);
    return (_, { facts }) => {
      const turn = Number(facts['#'] ?? 0) % Number(facts[`${list}*`] ?? 1);
      return factOf(facts, `${list}${turn + 1}`);
    };
  }
  return (_, { facts }) => factOf(facts, name);
}

function factOf(facts: Facts, name: string): string | number {
  const value = facts[name];
  if (value === undefined) throw new RangeError(`no fact is called ${name}`);
  return value;
}

function textFill(text: string): Fill {
  const parts = text.split(PLACEHOLDER);
  if (parts.length === 1) return () => text;
  const fills = parts.map((part, index) => (index % 2 === 0 ? part : filled(part)));
  const only = fills[1];
  if (parts.length === 3 && parts[0] === '' && parts[2] === '' && typeof only === 'function')
    return only;
  return (random, filling) => {
    let out = '';
    for (const fill of fills)
      out += typeof fill === 'string' ? fill : String(fill(random, filling));
    return out;
  };
}

function listFill(list: readonly Template[]): Fill {
  const [first, ...rest] = list;
  const range = typeof first === 'string' ? /^\*(\d+)-(\d+)$/.exec(first) : null;
  const fills = (range === null ? list : rest).map(compile);
  if (range === null) return (random, filling) => fills.map((fill) => fill(random, filling));
  const [low, high] = [Number(range[1]), Number(range[2])];
  return (random, filling) => {
    const items: unknown[] = [];
    const [repeated, ...others] = fills;
    const count = integer(random, low, high);
    for (let i = 0; i < count; i += 1) items.push(repeated?.(random, filling));
    for (const fill of others) items.push(fill(random, filling));
    return items;
  };
}

/** The template as a function. Throws RangeError, when filled, where a fact is missing. */
export function compile(template: Template): Fill {
  if (typeof template === 'string') return textFill(template);
  if (typeof template !== 'object' || template === null) return () => template;
  if (Array.isArray(template)) return listFill(template);
  const fills = Object.entries(template).map(([key, value]) => [key, compile(value)] as const);
  return (random, filling) => {
    const object: Record<string, unknown> = {};
    for (const [key, fill] of fills) object[key] = fill(random, filling);
    return object;
  };
}

/** A sentence as a function; what it gives is always text. */
export function sentence(text: string): (random: Random, filling: Filling) => string {
  const fill = textFill(text);
  return (random, filling) => String(fill(random, filling));
}

/** Does the template hold text of third parties? */
export function holdsNote(template: Template): boolean {
  return JSON.stringify(template).includes('{note}');
}
