/** Reloading: a mistake anywhere keeps what is in force, and the notice says where it is. */
import assert from 'node:assert/strict';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, readLibrary } from '../../src/commands/library.ts';
import { reloadOnce } from '../../src/commands/reload.ts';
import type { Log } from '../../src/model/ports.ts';
import { inFolder } from './typed.ts';

const listening = () => {
  const lines: string[] = [];
  const note = (fields: unknown, text?: string): void =>
    void lines.push(`${text} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const refused: string[] = [];
  const taken: number[] = [];
  return {
    ...{ lines, refused, taken, log },
    observer: {
      reload: async ({ detectors }: { readonly detectors: readonly unknown[] }) => {
        taken.push(detectors.length);
        return [];
      },
      refuse: async (detail: string) => void refused.push(detail),
    },
  };
};

describe('reload', () => {
  it('refuses the whole folder for one mistake, and says which; repaired, it is taken', async () => {
    await inFolder(async (dir) => {
      await cp(join(ROOT, 'detectors'), dir, { recursive: true });
      const file = join(dir, 'scope/mine.yaml');
      await writeFile(file, 'title: Mine\u001b[2J\n');
      const heard = listening();
      const source = { folder: dir, read: () => readLibrary(dir) };
      await reloadOnce(source, heard.observer, () => assert.fail('taken'), heard.log);
      assert.deepEqual(heard.taken, []);
      assert.match(heard.refused.join(), /^\d+ mistakes? in the detectors; those in force stay: /);
      assert.match(heard.refused.join(), /mine\.yaml/);
      assert.ok(
        heard.lines.some((line) => /refused .*mine\.yaml:1/.test(line)),
        heard.lines.join(),
      );
      assert.ok(!heard.refused.join().includes('\u001b'));

      await rm(file);
      let held = 0;
      const took = ({ detectors }: { readonly detectors: readonly unknown[] }): void => {
        held = detectors.length;
      };
      await reloadOnce(source, heard.observer, took, heard.log);
      assert.ok(held > 0);
      assert.deepEqual(heard.taken, [held]);
      assert.match(heard.lines.at(-1) ?? '', /^detectors were read .*"changed":0/);
    });
  });
});
