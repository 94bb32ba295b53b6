/** Tests of items: arrays, lines and envelopes as the records they are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import { compileMappings } from '../../src/source/mapping.ts';
import { createDecode } from '../../src/source/source.ts';
import { recordOf } from './records.ts';

function compiled(text: string) {
  const { file, problems } = parseYaml('m.yaml', text);
  const made = compileMappings([file]);
  return { mappings: made.mappings, problems: [...problems, ...made.problems] };
}

function decoder(text: string, source: Partial<SourceConfig> = {}) {
  const { mappings, problems } = compiled(text);
  assert.deepEqual(problems, []);
  const { decode, problems: wiring } = createDecode(
    [
      {
        ...{ name: 's', topic: 't', decoder: 'f/1', trust: 'agent' as const },
        ...{ kinds: ['gateway', 'metrics'] as const },
        ...source,
      } as SourceConfig,
    ],
    mappings,
  );
  return {
    problems: wiring.map(({ key, message }) => `${key}: ${message}`),
    decode: (record: string | object) =>
      decode(
        recordOf(Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)), {
          topic: 't',
        }),
      ),
  };
}

const call = (more = '') => `
format: f/1
kind: gateway
category: tool_call
time: { from: /t, as: unix_ms }
action: { tool: /tool }
${more}`;
const at = { t: 1_799_999_990_000 };
const toolsOf = ({ events }: ReturnType<ReturnType<typeof decoder>['decode']>) =>
  events.map(({ action }) => action?.tool);

const deep = `${'{"a":'.repeat(69)}{}${'}'.repeat(69)}`;
/** Items that no decoder reads, each for another limit. */
const beyond = [deep, `{"t":${at.t},"tool":[${'1,'.repeat(10_000)}1]}`, '{"t":1e400}'];

describe('an array of items', () => {
  it('loses only those that are beyond a limit', () => {
    const { decode } = decoder(call("each: ''"));
    const items = ['a', 'b', 'c'].map((tool) => JSON.stringify({ ...at, tool }));
    const made = decode(`[${items[0]},${beyond.join(',')}, ${items[1]} ,${items[2]}]`);
    assert.deepEqual(toolsOf(made), ['a', 'b', 'c']);
    assert.deepEqual(
      made.deadLetters.map(({ position, detail, raw }) => [
        position.index,
        detail.slice(0, 14),
        raw.toString(),
      ]),
      [
        [0, '[0] too-deep: ', beyond[0]],
        [1, '[1] too-many-i', beyond[1]],
        [2, '[2] field-type', beyond[2]],
      ],
    );
    const none = decode(`[${deep}]`);
    assert.deepEqual([none.deadLetters.length, none.flags.ignored], [1, 0]);
    assert.equal(none.deadLetters[0]?.reason, 'too-deep');
  });

  it('loses only the item in whose text a name is given twice, where a gateway speaks', () => {
    const read = `${call("each: ''").replace(
      'action: { tool: /tool }',
      'action: { tool: /tool, args: { from: /args, as: json } }',
    )}`;
    const { decode } = decoder(read, { trust: 'gateway' });
    const made = decode([
      { ...at, tool: 'a', args: '{"x":1}' },
      { ...at, tool: 'b', args: '{"x":1,"x":2}' },
      { ...at, tool: 'c' },
    ]);
    assert.deepEqual(toolsOf(made), ['a', 'c']);
    assert.equal(made.deadLetters[0]?.position.index, 1);
    assert.match(made.deadLetters[0]?.detail ?? '', /duplicate-key/);
    assert.equal(made.flags.duplicateKeys, 1);
  });
});

describe('each', () => {
  it('"" is the record: its items where it is an array, itself where it is none', () => {
    const { decode } = decoder(call("each: ''"));
    assert.deepEqual(
      toolsOf(
        decode([
          { ...at, tool: 'a' },
          { ...at, tool: 'b' },
        ]),
      ),
      ['a', 'b'],
    );
    assert.deepEqual(toolsOf(decode({ ...at, tool: 'a' })), ['a']);
  });

  it('of a list, the first array that is there', () => {
    const { decode } = decoder(call("each: [/items, '']"));
    assert.deepEqual(toolsOf(decode({ items: [{ ...at, tool: 'a' }] })), ['a']);
    assert.deepEqual(toolsOf(decode({ ...at, tool: 'b' })), ['b']);
  });

  it('an array without items says nothing, and is counted', () => {
    assert.equal(decoder(call("each: ''")).decode([]).flags.ignored, 1);
  });
});

describe('lines', () => {
  const line = (tool: string) => JSON.stringify({ ...at, tool });

  it('one text is read as one; several, one a line', () => {
    const { decode } = decoder(call('lines: true'));
    assert.deepEqual(toolsOf(decode(`{"t":${at.t},\n"tool":"a"}`)), ['a']);
    assert.deepEqual(toolsOf(decode(`${line('a')}\n\r\n  \n${line('b')}`)), ['a', 'b']);
  });

  it('a line that cannot be read takes no other with it, and is kept by itself', () => {
    const { events, deadLetters } = decoder(call('lines: true')).decode(
      `${line('a')}\n{"t":\n${line('b')}\n`,
    );
    assert.equal(events.length, 2);
    assert.deepEqual(
      deadLetters.map(({ reason, raw }) => [reason, raw.toString()]),
      [['partial', '{"t":']],
    );
  });

  it('a name given twice is said of its line, and refuses that line alone where a gateway speaks', () => {
    const twice = `{"t":${at.t},"tool":"x","tool":"y"}`;
    const { events, deadLetters, flags } = decoder(call('lines: true'), {
      trust: 'gateway',
    }).decode(`${line('a')}\n${twice}\n${line('b')}`);
    assert.equal(events.length, 2);
    assert.equal(flags.duplicateKeys, 1);
    assert.equal(deadLetters[0]?.reason, 'partial');
  });

  it('a line beyond a limit takes no other with it', () => {
    const { decode } = decoder(call('lines: true'));
    for (const bad of beyond) {
      const made = decode(`${bad}\r\n${line('a')}\n${line('b')}`);
      assert.deepEqual(toolsOf(made), ['a', 'b']);
      assert.deepEqual(
        made.deadLetters.map(({ reason, raw }) => [reason, raw.toString()]),
        [['partial', `${bad}\r`]],
      );
    }
  });

  it('one text beyond a limit that was indented is refused once, not line by line', () => {
    const { decode } = decoder(call('lines: true'));
    const indented = `{\n "t":${at.t},\n "a":${deep}\n}\n`;
    for (const text of [indented, `{"t":1e400,\n"a":\n{}}`, `\n${deep}`]) {
      const { events, deadLetters } = decode(text);
      assert.deepEqual([events.length, deadLetters.length], [0, 1], text);
    }
  });

  it('without it, lines are no JSON', () => {
    const { deadLetters } = decoder(call()).decode(`${line('a')}\n${line('b')}`);
    assert.equal(deadLetters[0]?.reason, 'json-syntax');
  });
});

describe('also', () => {
  const both = `
format: f/1
also: true
when: { /cost: { exists: true } }
kind: metrics
category: cost
time: { from: /t, as: unix_ms }
metrics: [{ name: cost, from: /cost, type: counter }]
---${call()}`;

  it('gives what its document says and lets the next one speak', () => {
    const { events } = decoder(both).decode({ ...at, tool: 'a', cost: 2 });
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['metrics', 'gateway'],
    );
    assert.equal(new Set(events.map(({ nativeId }) => nativeId)).size, 2);
  });

  it('leaves out, and counts, what the source is not asked for; a payload mints nothing by it', () => {
    const { decode } = decoder(both, { kinds: ['gateway'] });
    const { events, deadLetters, flags } = decode({ ...at, tool: 'a', cost: 2 });
    assert.deepEqual([events.length, deadLetters.length, flags.ignored], [1, 0, 1]);
  });
});

describe('settings of a source', () => {
  const text = call("each: ''").replace(
    'action: { tool: /tool }',
    'session: { from: /s, setting: session }\naction: { tool: { from: /tool, setting: tool } }\nwhen: { /who: { prefix: [a], setting: who } }',
  );

  it('put a pointer, or a text, in the place of the preset’s', () => {
    const { decode } = decoder(text, { settings: { tool: ['/op', '/tool'], who: ['b', 'c'] } });
    assert.deepEqual(
      toolsOf(
        decode([
          { ...at, who: 'bob', op: 'x', tool: 'y' },
          { ...at, who: 'cy', tool: 'y' },
        ]),
      ),
      ['x', 'y'],
    );
    assert.equal(decode({ ...at, who: 'ann', tool: 'y' }).deadLetters.length, 1);
  });

  it('that the format does not have are named, with those it has', () => {
    assert.deepEqual(decoder(text, { settings: { tol: '/x' } }).problems, [
      'sources.0.settings: no setting tol; there are: session, tool, who',
    ]);
  });

  it('that are no pointer where one is wanted are named too', () => {
    const [problem] = decoder(text, { settings: { session: 'x y' } }).problems;
    assert.match(problem ?? '', /^sources\.0\.settings: session\.from: must match/);
  });

  it('are refused where a format has none', () => {
    assert.deepEqual(decoder(call(), { settings: { tool: '/x' } }).problems, [
      'sources.0.settings: no setting tool; there are: none',
    ]);
  });
});

describe('a common document', () => {
  it('gives no events, and holds for what later ones do not say', () => {
    const { decode } = decoder(`
format: f/1
common: true
kind: gateway
category: tool_call
time: { from: /t, as: unix_ms }
keys: { requestId: /r }
action: { server: /srv }
---
format: f/1
when: { /type: call }
keys: { traceId: /trace }
action: { tool: /tool }
---
format: f/1
when: { /type: list }
category: list
action: { tool: { const: tools/list }, server: { const: here } }
---
format: f/1
when: { /type: ping }
ignore: true
`);
    const one = decode({ ...at, type: 'call', tool: 'x', srv: 'y', r: 'r1', trace: 't1' })
      .events[0];
    assert.deepEqual(one?.keys, { requestId: 'r1', traceId: 't1' });
    assert.equal(one?.action?.server, 'y');
    const two = decode({ ...at, type: 'list', srv: 'y' }).events[0];
    assert.deepEqual([two?.category, two?.action?.server], ['list', 'here']);
    assert.equal(decode({ ...at, type: 'ping' }).flags.ignored, 1);
  });

  it('does not spare a document what it must say', () => {
    const { problems } = compiled(`
format: f/1
common: true
time: { from: /t, as: unix_ms }
---
format: f/1
kind: gateway
category: tool_call
action: { server: /x }
---
format: f/1
when: { /a: 1 }
ignore: true
kind: gateway
`);
    assert.deepEqual(
      problems.map(({ line, key, message }) => `${line} ${key}: ${message}`),
      ['9 #2.action: missing key `tool`', '14 #3.kind: not allowed in a document that leaves out'],
    );
  });
});
