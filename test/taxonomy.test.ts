/** The published taxonomy: every sample log decodes, and categories and fields all occur in them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { WIRE_FIELDS } from '../src/detect/derived/names.ts';
import { type Event, KINDS, type Kind } from '../src/model/event.ts';
import { createDecode } from '../src/source/source.ts';
import { SOURCES } from './sim/lane-options.ts';

const ROOT = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

/** Events of the sample log of one service; fails on a line that is no event. */
function samplesOf(kind: Kind): readonly Event[] {
  const { decode } = createDecode(SOURCES, new Map());
  const lines = read(`examples/taxonomy/${kind}.jsonl`).trimEnd().split('\n');
  return lines.map((line, offset) => {
    const value = Buffer.from(line);
    const timestampMs = Date.UTC(2027, 0, 1);
    const rec = { topic: kind, partition: 0, offset, key: null, value, timestampMs };
    const { events, deadLetters } = decode(rec);
    const reasons = deadLetters.map(({ detail }) => detail);
    assert.deepEqual(reasons, [], `${kind} line ${offset + 1}`);
    assert.equal(events.length, 1);
    assert.equal(JSON.parse(line).kind, kind);
    return events[0] as Event;
  });
}

/** Does the event have a value at the path? Of a list any element will do. */
function has(value: unknown, parts: readonly string[]): boolean {
  const [first, ...rest] = parts;
  if (Array.isArray(value)) return value.some((item) => has(item, parts));
  if (first === undefined) return value !== undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return false;
  return has((value as Record<string, unknown>)[first], rest);
}

describe('the taxonomy', () => {
  const samples = new Map(KINDS.map((kind) => [kind, samplesOf(kind)]));

  it('has a sample of every category it documents, and documents every one that it has', () => {
    const table = [...read('docs/taxonomy.md').matchAll(/^\| (\w+) \| `(\w+)` \|/gm)];
    const documented = table.map(([, service, category]) => `${service} ${category}`).sort();
    const shown = KINDS.flatMap((kind) =>
      (samples.get(kind) ?? []).map(({ category }) => `${kind} ${category}`),
    );
    assert.ok(documented.length > 20, 'the table of categories was found');
    assert.deepEqual([...new Set(shown)].sort(), documented);
  });

  for (const field of WIRE_FIELDS) {
    it(`shows ${field.path}`, () => {
      const books = field.kind === null ? KINDS : [field.kind];
      const events = books.flatMap((kind) => samples.get(kind) ?? []);
      assert.ok(events.some((event) => has(event, field.path.split('.'))));
    });
  }
});
