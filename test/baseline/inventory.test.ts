/** The tool inventory: aliases resolve, every problem is named, the shipped file is complete. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { buildInventory, EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import { idOf } from '../../src/model/ids.ts';
import { ROLES, UNGRANTED_TOOLS } from '../../src/simulation/roles.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';

function parsed(text: string, file = 'tools.yaml') {
  const yaml = parseYaml(file, text);
  assert.deepEqual(yaml.problems, []);
  return yaml.file;
}

const entry = (tool: string, more = '') =>
  `  - { tool: ${tool}, class: read, tier: autonomous, reversible: true, route: gateway${more} }\n`;

test('a tool is found by its name and by each alias; others are unknown', () => {
  const text = `tools:\n${entry('get_note', ', aliases: [notes__get_note, notes.get_note]')}${entry(
    'poll',
    ', polling: true',
  )}`;
  const { inventory, problems } = buildInventory([parsed(text)]);
  assert.deepEqual(problems, []);
  const facts = {
    tool: 'get_note',
    class: 'read',
    tier: 'autonomous',
    reversible: true,
    route: 'gateway',
    polling: false,
  };
  for (const name of ['get_note', 'notes__get_note', 'notes.get_note']) {
    assert.deepEqual(inventory.tool(name), facts);
  }
  assert.equal(inventory.tool('poll')?.polling, true);
  for (const name of ['Get_Note', 'notes', '', '__proto__', 'constructor', 'toString']) {
    assert.equal(inventory.tool(name), null);
  }
  assert.deepEqual(
    inventory.tools.map(({ tool }) => tool),
    ['get_note', 'poll'],
  );
});

test('every mistake of every file is named with its line, and sound entries still count', () => {
  const first = `tools:\n${entry('a')}  - { tool: b, class: reed, tier: autonomous, reversible: yes!, route: gateway }\n${entry(
    'c',
    ', alias: [x]',
  )}  - tool: d\n`;
  const second = `tools:\n${entry('e', ', aliases: [a, f, f]')}${entry('a')}${entry('e')}`;
  const { inventory, problems } = buildInventory([parsed(first, 'one'), parsed(second, 'two')]);
  assert.deepEqual(
    problems.map(({ file, line, key }) => `${file}:${line} ${key}`),
    [
      'one:3 tools.1.class',
      'one:3 tools.1.reversible',
      'one:4 tools.2.alias',
      'one:5 tools.3',
      'one:5 tools.3',
      'one:5 tools.3',
      'one:5 tools.3',
      'two:2 tools.0.aliases.0',
      'two:2 tools.0.aliases.2',
      'two:3 tools.1.tool',
      'two:4 tools.2.tool',
    ],
  );
  assert.match(problems[0]?.message ?? '', /read, write, execute, communicate, spend/);
  assert.match(problems[2]?.message ?? '', /unknown key; allowed here: .*aliases/);
  assert.match(problems[7]?.message ?? '', /a is already a name of a/);
  assert.match(problems[8]?.message ?? '', /f is listed twice/);
  assert.deepEqual(
    inventory.tools.map(({ tool }) => tool),
    ['a', 'e'],
  );
  assert.equal(inventory.tool('f')?.tool, 'e');
});

test('documents that are no inventory are problems, never exceptions', () => {
  for (const text of ['', '[]', 'tools', 'tools: {}', 'tools: [3, null]', 'toools: []', 'null']) {
    const { inventory, problems } = buildInventory([parsed(`${text}\n---\n${text}\n`)]);
    assert.ok(problems.length >= 1, text);
    assert.deepEqual(inventory.tools, []);
  }
  const second = buildInventory([
    parsed(`tools:\n${entry('a')}---\ntools:\n${entry('b', ', z: 1')}`),
  ]);
  assert.deepEqual(
    second.problems.map(({ line, key }) => [line, key]),
    [[5, '#2.tools.0.z']],
  );
  assert.equal(second.inventory.tool('a')?.tool, 'a');
});

test('the version follows the content, not the way it is written', () => {
  const of = (text: string) => buildInventory([parsed(text)]).inventory.version;
  const base = of(`tools:\n${entry('a')}${entry('b', ', aliases: [x, y]')}`);
  assert.equal(of(`tools:\n${entry('b', ', aliases: [y, x], polling: false')}${entry('a')}`), base);
  assert.notEqual(of(`tools:\n${entry('a')}${entry('b', ', aliases: [x]')}`), base);
  assert.notEqual(
    of(`tools:\n${entry('a')}${entry('b', ', aliases: [x, y], polling: true')}`),
    base,
  );
  assert.equal(buildInventory([]).inventory.version, EMPTY_INVENTORY.version);
  assert.equal(EMPTY_INVENTORY.tool('a'), null);
});

const CHECKED = `
zone: ['*.House.example', broker.example]
tools:
  - { tool: a, class: read, tier: autonomous, reversible: true, route: gateway,
      destinations: ['API.example'], sensitivity: sealed, definition: d-1, targets: /ids }
`;

test('destinations, sensitivity, definition and targets are facts, hosts in lower case', () => {
  const { inventory, problems } = buildInventory([parsed(CHECKED)]);
  assert.deepEqual(problems, []);
  const { destinations, sensitivity, definition, targets } = inventory.tool('a') ?? {};
  assert.deepEqual(
    [destinations, sensitivity, definition, targets, inventory.zone],
    [['api.example'], 'sealed', 'd-1', '/ids', ['*.house.example', 'broker.example']],
  );
});

test('hosts and pointers that can mean nothing are refused', () => {
  for (const [from, to] of [
    ['API.example', 'https://api.example/x'],
    ['API.example', 'a.*.example'],
    ['/ids', 'ids'],
    ['sealed', 'secret'],
  ] as const)
    assert.equal(buildInventory([parsed(CHECKED.replace(from, to))]).problems.length, 1, to);
});

test('an inventory without the newer facts keeps its version, each of them changes it', () => {
  const plain = CHECKED.replace(/^zone.*$/m, '').replace(/,\s+destinations.*\/ids/s, '');
  const { inventory } = buildInventory([parsed(plain)]);
  const facts = ['a', 'a', 'read', 'autonomous', 'true', 'gateway', 'false'];
  assert.equal(inventory.version, idOf(...facts));
  const versions = new Set([inventory.version]);
  for (const more of ['sensitivity: public', 'definition: d', 'targets: /x', 'destinations: [x]'])
    versions.add(
      buildInventory([parsed(plain.replace('route: gateway', `route: gateway, ${more}`))]).inventory
        .version,
    );
  versions.add(buildInventory([parsed(`zone: [x]\n${plain}`)]).inventory.version);
  assert.equal(versions.size, 6);
});

test('the shipped inventory has no problem and says of simulated tools what the roles say', () => {
  const file = new URL('../../baselines/tools.yaml', import.meta.url);
  const { inventory, problems } = buildInventory([parsed(readFileSync(file, 'utf8'))]);
  assert.deepEqual(problems, []);
  const roles = [...ROLES, ...STORY_ROLES];
  const roleTools = roles.flatMap((role) => role.tools);
  for (const tool of roleTools) {
    const facts = inventory.tool(tool.name);
    assert.deepEqual(
      [facts?.class, facts?.tier, facts?.route, facts?.polling],
      [tool.class, tool.tier, tool.route, tool.polling],
      tool.name,
    );
    if (tool.route !== 'gateway') continue;
    assert.equal(inventory.tool(`${tool.server}__${tool.name}`), facts);
    assert.equal(inventory.tool(`${tool.server}.${tool.name}`), facts);
  }
  const granted = new Set(roleTools.map(({ name }) => name));
  for (const name of UNGRANTED_TOOLS) {
    assert.notEqual(inventory.tool(name), null);
    assert.equal(granted.has(name), false);
  }
  for (const name of roles.flatMap((role) => role.invented))
    assert.equal(inventory.tool(name), null);
});
