/** Laws that statistics are enrolled under: finite, monotone, restorable, bounded, golden. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';

/** One thing a file claims, with the check of it. */
export type Law = readonly [claim: string, check: () => void];

/** No finite input gives NaN or an infinite figure. */
export function finite<T extends [unknown, ...unknown[]]>(
  name: string,
  compute: (...input: T) => number | null,
  ...inputs: { [K in keyof T]: fc.Arbitrary<T[K]> }
): Law {
  return [
    `${name} is finite for finite input`,
    () =>
      fc.assert(
        fc.property(fc.tuple(...(inputs as fc.Arbitrary<unknown>[])), (input) => {
          const value = compute(...(input as T));
          assert.ok(value === null || Number.isFinite(value), `${name} gives ${value}`);
        }),
      ),
  ];
}

/** A larger argument never gives a smaller value (`falls`: never a larger one). */
export function ordered(
  name: string,
  way: 'rises' | 'falls',
  compute: (at: number) => number,
  input: fc.Arbitrary<number>,
): Law {
  return [
    `${name} ${way} or stays`,
    () =>
      fc.assert(
        fc.property(input, input, (a, b) => {
          const [low, high] = [compute(Math.min(a, b)), compute(Math.max(a, b))];
          const slack = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
          const stays = way === 'rises' ? low <= high + slack : high <= low + slack;
          assert.ok(stays, `${name}: ${low} at ${Math.min(a, b)}, ${high} at ${Math.max(a, b)}`);
        }),
      ),
  ];
}

/** What was stored as JSON and read again answers as before. */
export function restores<S>(name: string, stored: S, answer: (stored: S) => unknown): Law {
  return [
    `${name} answers the same after JSON`,
    () => {
      const copy = JSON.parse(JSON.stringify(stored)) as S;
      assert.deepEqual(copy, stored);
      assert.deepEqual(answer(copy), answer(stored));
    },
  ];
}

/** What is kept does not grow with what was seen. */
export function bounded(name: string, bytesMax: number, afterMany: () => unknown): Law {
  return [
    `${name} keeps at most ${bytesMax} bytes`,
    () => {
      const bytes = JSON.stringify(afterMany()).length;
      assert.ok(bytes <= bytesMax, `${name} keeps ${bytes} bytes`);
    },
  ];
}

/** A published or hand-computed figure, to within a relative error. */
export function golden(name: string, compute: () => number, expected: number, within = 1e-6): Law {
  return [
    `${name} = ${expected}`,
    () => {
      const value = compute();
      assert.ok(Math.abs(value - expected) <= within * Math.abs(expected), `${name} is ${value}`);
    },
  ];
}

/** An `@example expression // output` of a doc comment. */
export interface Example {
  readonly line: number;
  readonly expression: string;
  readonly output: string;
}

/** Every example of a source file. */
export function examplesOf(path: string): Example[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, at) => {
      const found = /^\s*\*\s*@example\s+(.*\S)\s+\/\/\s+(.*\S)\s*$/.exec(text);
      if (found === null) {
        assert.ok(!text.includes('@example'), `${path}:${at + 1}: write expression // output`);
        return [];
      }
      return [{ line: at + 1, expression: found[1] ?? '', output: found[2] ?? '' }];
    });
}

/**
 * Runs an example with a module's exports in scope. The output must be what Node prints, apart from
 * blanks and the lengths of typed arrays; `1.25...` is right to within one unit of its last digit.
 */
export function runExample(example: Example, scope: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(scope);
  const source = `(function (${names.join(', ')}) { return (${example.expression}); })`;
  const compute = runInThisContext(source) as (...values: unknown[]) => unknown;
  const value = compute(...names.map((name) => scope[name]));
  const printed = bare(inspect(value, { depth: null, breakLength: Number.POSITIVE_INFINITY }));
  const expected = bare(example.output);
  const shown = /^(-?\d+\.(\d+))\.\.\.$/.exec(expected);
  if (shown === null) assert.equal(printed, expected);
  else {
    const within = 10 ** -(shown[2] ?? '').length;
    assert.ok(Math.abs(Number(printed) - Number(shown[1])) < within, `${printed}, not ${expected}`);
  }
}

function bare(text: string): string {
  return text.replaceAll(/\s+/g, '').replaceAll(/Array\(\d+\)\[/g, 'Array[');
}
