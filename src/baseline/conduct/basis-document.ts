/** Document of a basis: counts as plain JSON, every list in sorted order, and back. */
import type { Json } from '../dimension.ts';
import { Back, type Basis, raritiesOf } from './basis.ts';

type Pairs = readonly (readonly [string | number, number])[];

/** The basis as plain JSON, every list in sorted order. */
export function basisDocument(basis: Basis): Json {
  const numbers = (map: ReadonlyMap<number, number>) => [...map].sort((a, b) => a[0] - b[0]);
  const names = (map: ReadonlyMap<string, number>) => [...map].sort(byName);
  const back = ({ table }: Back) =>
    [...table].sort(byName).map(([context, symbols]) => [context, names(symbols)] as const);
  return {
    units: basis.units,
    words: numbers(basis.words),
    mandateWords: numbers(basis.mandateWords),
    templates: [...basis.templates]
      .sort((a, b) => a.template - b.template)
      .map(({ template, units, words, tools }) => [template, units, words, [...tools].sort()]),
    tools: back(basis.tools),
    toolCount: basis.toolCount,
    lexicon: [...basis.lexicon]
      .sort((a, b) => a[0] - b[0])
      .map(([word, tools]) => [word, names(tools)]),
    lexiconUnits: numbers(basis.lexiconUnits),
    next: back(basis.next),
    later: back(basis.later),
    origins: back(basis.origins),
    mandated: back(basis.mandated),
    shapes: back(basis.shapes),
    sentences: [...basis.sentences].sort((a, b) => a - b),
    verbs: [...basis.verbs].sort((a, b) => a - b),
    bits: [...basis.bits].sort(byName),
  };
}

/** The basis of a document that `basisDocument` made. */
export function readBasis(document: Json): Basis {
  const read = document as Readonly<Record<string, unknown>>;
  const numbers = (key: string) =>
    new Map<number, number>(read[key] as readonly (readonly [number, number])[]);
  const back = (key: string) =>
    new Back(
      new Map(
        (read[key] as readonly (readonly [string, Pairs])[]).map(([context, symbols]) => [
          context,
          new Map(symbols as readonly (readonly [string, number])[]),
        ]),
      ),
    );
  const templates = (
    read['templates'] as readonly (readonly [number, number, number[], string[]])[]
  ).map(([template, units, words, tools]) => ({ template, units, words, tools: new Set(tools) }));
  const units = read['units'] as number;
  const words = numbers('words');
  return {
    ...raritiesOf(units, words),
    units,
    words,
    mandateWords: numbers('mandateWords'),
    templates,
    byTemplate: new Map(templates.map((template) => [template.template, template])),
    tools: back('tools'),
    toolCount: read['toolCount'] as number,
    lexicon: new Map(
      (read['lexicon'] as readonly (readonly [number, Pairs])[]).map(([word, tools]) => [
        word,
        new Map(tools as readonly (readonly [string, number])[]),
      ]),
    ),
    lexiconUnits: numbers('lexiconUnits'),
    next: back('next'),
    later: back('later'),
    origins: back('origins'),
    mandated: back('mandated'),
    shapes: back('shapes'),
    sentences: new Set(read['sentences'] as readonly number[]),
    verbs: new Set(read['verbs'] as readonly number[]),
    bits: new Map(read['bits'] as readonly (readonly [string, readonly [number, number]])[]),
  };
}

function byName<T>(a: readonly [string, T], b: readonly [string, T]): number {
  return a[0] < b[0] ? -1 : 1;
}
