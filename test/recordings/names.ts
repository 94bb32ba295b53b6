/** No constant of the code or the library names a tool, a task, an agent or an address of the recordings. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ROOT, SHARED } from './tampered.ts';

const CORPUS = join(SHARED, 'corpus');
/** Sentences hold names that are words of the language; shorter ones prove nothing. */
const LETTERS_MIN = 5;
const FIELDS = /"(?:tool|role|agent_id|session_id|task)":"([^"\\]{1,200})"/g;
const ADDRESSES = /[\w.+-]+@[\w-]+\.[\w.]*\w|https?:\/\/([\w-]+(?:\.[\w-]+)+)/g;
/** Hosts that RFC 2606 and RFC 6761 set aside for examples. */
const RESERVED = /(?:^|[.@])(?:example(?:\.(?:com|net|org))?|invalid|test|localhost)$/;

/** Everything the recordings call by a name. */
async function namesIn(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  for (const file of await readdir(folder, { recursive: true })) {
    if (!/\.jsonl(\.gz)?$/.test(file)) continue;
    const bytes = await readFile(join(folder, file));
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    for (const [, name = ''] of text.matchAll(FIELDS)) names.add(name);
    for (const [address, host] of text.matchAll(ADDRESSES)) names.add(host ?? address);
  }
  return names;
}

/** Code without its comments, and detectors without their cases; the simulator has a world of its own. */
async function constants(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const top of ['src', 'detectors']) {
    for (const file of await readdir(join(ROOT, top), { recursive: true })) {
      if (top === 'src' && file.startsWith('simulation')) continue;
      if (!/\.(ts|yaml|json)$/.test(file) || file.endsWith('.test.yaml')) continue;
      const text = await readFile(join(ROOT, top, file), 'utf8');
      const bare = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
      texts.set(`${top}/${file}`, file.endsWith('.ts') ? bare : text);
    }
  }
  return texts;
}

test('no constant of the code names a tool, a task, an agent or an address of the recordings', async (t) => {
  const names = [...(await namesIn(CORPUS))].filter(
    (name) => name.length >= LETTERS_MIN && !RESERVED.test(name),
  );
  const texts = await constants();
  const found: string[] = [];
  for (const [file, text] of texts) {
    const words = new Set(text.match(/[\w@./+-]*\w/g) ?? []);
    const parts = new Set(text.match(/\w+/g) ?? []);
    for (const name of names)
      if (words.has(name) || parts.has(name)) found.push(`${file}: ${name}`);
  }
  t.diagnostic(`${names.length} names looked for in ${texts.size} files`);
  assert.ok(names.length > 100 && texts.size > 200, 'there is something to look for, and in');
  assert.deepEqual(found, []);
});
