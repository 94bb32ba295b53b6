/** GenAI conventions: the verdict on every case at hand, where it is violated, and the same content. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseYaml } from '../../../src/adapters/files.ts';
import { conversationOf } from '../../../src/source/formats/genai-messages.ts';
import {
  type Generation,
  type SchemaName,
  violationsOf,
} from '../../../src/source/formats/genai-schema.ts';

const parse = (text: string): unknown => JSON.parse(text);

test('an open part of any type is allowed, a closed one only where it is as its type prescribes', () => {
  const parts = [{ type: 'search_result' }, { type: 'text' }, { type: 7 }, 'x'];
  const document = [{ role: 'user', parts }];
  assert.deepEqual(violationsOf('input-messages', document, 'open'), [
    { path: '$[0].parts[2]', keyword: 'type' },
    { path: '$[0].parts[3]', keyword: 'type' },
  ]);
  assert.deepEqual(
    violationsOf('input-messages', document, 'closed').map(({ keyword }) => keyword),
    ['anyOf', 'required', 'type', 'type'],
  );
});

test('names of prototypes are no members, and violations are bounded', () => {
  assert.deepEqual(
    violationsOf('tool-definitions', [Object.create({ type: 'f', name: 'n' })], 'open'),
    [
      { path: '$[0]', keyword: 'required' },
      { path: '$[0]', keyword: 'required' },
    ],
  );
  assert.equal(violationsOf('memory-records', new Array(9999).fill(0), 'open').length, 100);
});

// The cases are reference material that lies beside the project where it is developed.
const material = new URL('../../../../shared/conformance/genai/', import.meta.url);
interface Indexed {
  readonly file: string;
  readonly valid: boolean;
}
interface Case {
  readonly schema: string;
  readonly document: unknown;
  readonly errors: readonly { readonly path: string; readonly keyword: string }[];
}

if (existsSync(material)) {
  const read = (name: string) => readFileSync(new URL(name, material), 'utf8');
  const index = read('index.jsonl')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Indexed);
  const caseOf = (file: string) => parseYaml(file, read(file)).file.documents[0]?.value as Case;

  test('genai cases: same verdict on every case, and the same places', (t) => {
    for (const { file, valid } of index) {
      const { schema, document, errors } = caseOf(file);
      const name = schema.replace(/^gen-ai-|\.json$/g, '') as SchemaName;
      const generation: Generation = file.startsWith('cases-closed-parts/') ? 'closed' : 'open';
      const found = violationsOf(name, document, generation);
      const places = (list: readonly { path: string; keyword: string }[]) =>
        list.map(({ path, keyword }) => `${path} ${keyword}`).sort();
      assert.equal(found.length === 0, valid, file);
      assert.deepEqual(places(found), places(errors), file);
    }
    t.diagnostic(`${index.length} cases`);
    assert.equal(index.length, 25);
  });

  test('genai cases: every document is read as far as it goes, with its content', () => {
    for (const { file } of index) {
      const { schema, document } = caseOf(file);
      if (!schema.includes('messages')) continue;
      const isInput = schema.includes('input');
      const said = conversationOf(
        isInput ? document : undefined,
        isInput ? undefined : document,
        parse,
      );
      const messages = Array.isArray(document) ? (document as Record<string, unknown>[]) : [];
      const parts = messages.flatMap(({ role, parts: list }) =>
        Array.isArray(list)
          ? (list as Record<string, unknown>[]).map((part) => ({ ...part, role }))
          : [],
      ) as Record<string, unknown>[];
      const textOf = (of: readonly Record<string, unknown>[]) =>
        of.flatMap(({ content }) => (typeof content === 'string' ? [content] : [])).join('\n');
      if (isInput) {
        const asked = parts.filter(({ type, role }) => type === 'text' && role === 'user');
        assert.equal(said.mandate ?? '', textOf(asked.slice(0, 1)), file);
        const calls = parts.filter(({ type }) => type === 'tool_call');
        const answered = parts.filter(({ type }) => type === 'tool_call_response');
        assert.deepEqual(
          said.claims,
          answered.map(({ id }) => {
            const call = calls.find((one) => one['id'] === id);
            return {
              toolCallId: id,
              tool: call?.['name'],
              args: call?.['arguments'],
              outcome: 'unknown',
            };
          }),
          file,
        );
      } else {
        const spoken = parts.filter(({ type }) => type === 'text' || type === 'reasoning');
        assert.equal(said.text ?? '', textOf(spoken), file);
        const finish = messages.flatMap(({ finish_reason: one }) =>
          typeof one === 'string' ? [one] : [],
        );
        assert.deepEqual(said.finish, finish, file);
      }
    }
  });
}
