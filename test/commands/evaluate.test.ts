/** `evaluate`: which parts are chosen, and what is said of folders that are not there. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { chosenOf } from '../../src/commands/evaluate.ts';
import { recordingsIn } from '../../src/commands/evaluate-corpus.ts';
import { inTemporaryFolder } from '../../src/commands/evaluate-fleet.ts';
import { checkNab } from '../../src/commands/evaluate-nab.ts';

test('all parts, or those that are named; others are refused with the names there are', () => {
  assert.equal(chosenOf(undefined).size, 4);
  assert.deepEqual([...chosenOf('nab, corpus')], ['nab', 'corpus']);
  assert.throws(() => chosenOf('corpsu'), /"corpsu"; possible: corpus, stories, budget, nab/);
});

test('what is missing is named, with what to do, before anything is run', async () => {
  await inTemporaryFolder(async (dir) => {
    await assert.rejects(recordingsIn(dir), /known.labels\.jsonl is not there\. .*--corpus DIR/);
    await assert.rejects(checkNab(dir), /series\.tar\.gz is not there\. .*--nab DIR/);
    for (const folder of ['known', 'fresh/2', 'fresh/10'])
      for (const half of ['learn', 'score'])
        await mkdir(path.join(dir, folder, half), { recursive: true });
    for (const set of ['known', 'fresh']) await writeFile(path.join(dir, set, 'labels.jsonl'), '');
    const sets = await recordingsIn(dir);
    assert.deepEqual(
      sets.map(({ name, folds }) => [name, folds.map((fold) => fold.name)]),
      [
        ['known', ['known']],
        ['fresh', [path.join('fresh', '10'), path.join('fresh', '2')]],
      ],
    );
  });
});
