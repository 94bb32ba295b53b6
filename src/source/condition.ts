/** Conditions of mappings: which records a document, or a field, is about. */
import type { Condition } from './field-schema.ts';
import { compilePointer } from './pointer.ts';

type Test = (value: unknown) => boolean;

/** Compiles a `when`: true where every pointer finds what is wanted. Never throws. */
export function compileWhen(when: Condition): (item: unknown) => boolean {
  const tests = Object.entries(when).map(([pointer, want]) => {
    const read = compilePointer(pointer);
    const test = testOf(want);
    return (item: unknown) => test(read(item) ?? undefined);
  });
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (item) => tests.every((test) => test(item));
}

function testOf(want: Condition[string]): Test {
  if (typeof want !== 'object' || Array.isArray(want)) {
    const allowed = new Set<unknown>(Array.isArray(want) ? want : [want]);
    return (value) => allowed.has(value);
  }
  const tests: Test[] = [];
  const { exists, not, prefix, contains, atLeast, below } = want;
  if (exists !== undefined) tests.push((value) => (value !== undefined) === exists);
  if (not !== undefined) {
    const others = new Set<unknown>(Array.isArray(not) ? not : [not]);
    tests.push((value) => !others.has(value));
  }
  if (prefix !== undefined) tests.push(ofText(prefix, (text, part) => text.startsWith(part)));
  if (contains !== undefined) {
    const holds = ofText(contains, (text, part) => text.includes(part));
    const wanted = new Set<unknown>(typeof contains === 'string' ? [contains] : contains);
    tests.push((value) =>
      Array.isArray(value) ? value.some((one) => wanted.has(one)) : holds(value),
    );
  }
  if (atLeast !== undefined) tests.push((value) => numberOf(value) >= atLeast);
  if (below !== undefined) tests.push((value) => numberOf(value) < below);
  return (value) => tests.every((test) => test(value));
}

function ofText(
  wanted: string | readonly string[],
  holds: (text: string, part: string) => boolean,
): Test {
  const parts = typeof wanted === 'string' ? [wanted] : wanted;
  return (value) => typeof value === 'string' && parts.some((part) => holds(value, part));
}

/** A number, or digits; NaN, which no comparison holds for, elsewhere. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
}
