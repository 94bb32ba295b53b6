/** `check` and `run` on a library with mistakes: all of them, and nothing is started. */
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { check } from '../../src/commands/check.ts';
import { ROOT } from '../../src/commands/library.ts';
import { run } from '../../src/commands/run.ts';
import { inFolder, typed } from './typed.ts';

describe('check', () => {
  it('finds nothing wrong with what is shipped', async () => {
    for (const start of ['deploy/plumbline.yaml', 'deploy/folder.yaml']) {
      const { code, json, text } = await typed(check, '--config', join(ROOT, start));
      assert.equal(code, 0, text);
      assert.deepEqual((json as { problems: unknown[] }).problems, []);
    }
  });

  it('names every mistake and ends with 2; the daemon ends before it touches a broker', async () => {
    await inFolder(async (dir) => {
      await cp(join(ROOT, 'detectors'), join(dir, 'detectors'), { recursive: true });
      await writeFile(
        join(dir, 'detectors/scope/mine.yaml'),
        'title: Mine\nlogsource: { product: ai_agent }\ndetection:\n  sel: { action.tool|startwith: x }\n  condition: 2 of sel\n',
      );
      const config = join(dir, 'plumbline.yaml');
      // Nobody listens there: whoever tried would say so.
      await writeFile(
        config,
        `kafka: { brokers: ['127.0.0.1:1'] }\ndetectors: { dir: ${join(dir, 'detectors')} }\nsources:\n  - { name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }\n`,
      );
      const checked = await typed(check, '--config', config);
      assert.equal(checked.code, 2, checked.text);
      for (const said of [
        /mine\.yaml:4: .*`startwith`; did you mean `startswith`\?/,
        /mine\.yaml:5: .*`2 of` is not Sigma/,
        /mine\.yaml:1: .*missing key `plumbline`/,
      ])
        assert.match(checked.text, said);
      const ran = await typed(run, '--config', config);
      assert.equal(ran.code, 2);
      assert.match(ran.refusal ?? '', /did you mean `startswith`\?[\s\S]*is not Sigma/);
    });
  });
});
