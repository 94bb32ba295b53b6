/** Imports every module of src: coverage lists only what was imported, and an import may throw. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = new URL('../src/', import.meta.url);
// main.ts runs when it is imported; the commands it hands over to are imported one by one.
const RUNS = new Set(['main.ts']);
const modules = readdirSync(fileURLToPath(src), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !RUNS.has(path))
  .sort();

test('src holds modules', () => {
  assert.ok(modules.includes('model/event.ts'), 'src/model/event.ts was not found');
});

for (const path of modules) {
  test(`src/${path} imports without effect`, async () => {
    const handles = process.getActiveResourcesInfo().length;
    const module: unknown = await import(new URL(path, src).href);
    assert.ok(typeof module === 'object' && module !== null);
    assert.ok(!Object.hasOwn(module, 'default'), 'has a default export');
    const left = process.getActiveResourcesInfo().length;
    assert.ok(left <= handles, `importing it opened ${left - handles} handles`);
  });
}
