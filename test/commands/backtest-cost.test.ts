/** Cost: what is measured is the detector and not what surrounds it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { createLog } from '../../src/adapters/log.ts';
import { costOf, createFactKeeper } from '../../src/commands/backtest-cost.ts';
import { rehearse } from '../../src/commands/rehearse.ts';
import { shippedLibrary } from '../sim/library.ts';
import { inFolder, writeCorpus } from './typed.ts';

describe('costOf', () => {
  it('tells a detector that counts every call from one that looks at none', async () => {
    await inFolder(async (dir) => {
      const corpus = path.join(dir, 'c');
      const call = {
        at: '+5s',
        times: 3000,
        every: '10ms',
        id: 'c',
        calls: { tool: 'read_record' },
      };
      await writeCorpus(corpus, [call], { setup: 'bare' });
      const library = await shippedLibrary();
      const keeper = createFactKeeper();
      await rehearse({
        ...{ dir: corpus, library, config: null, evidence: 'L3', onFact: keeper.see },
        ...{ log: createLog('error', 'test'), progress: () => undefined },
      });
      const only = library.detectors.filter(({ stem }) =>
        ['call-burst', 'silent-source'].includes(stem),
      );
      const cost = costOf(only, keeper.facts, library.inventory);
      assert.equal(cost?.events, 3000);
      assert.equal(cost?.facts, keeper.facts.length);
      const { 'call-burst': counts = 0, 'silent-source': looks = 0 } = cost?.byDetector ?? {};
      // One keeps a window of every call, the other is never asked: far apart on any machine.
      assert.ok(counts > 5 * looks, `${counts} and ${looks} µs`);
      assert.ok(counts > 0 && (cost?.together ?? 0) > 0);
    });
  });

  it('has nothing to say of no events', async () => {
    const { inventory, detectors } = await shippedLibrary();
    assert.equal(costOf(detectors, [], inventory), null);
  });

  it('keeps no more facts than it needs', () => {
    const keeper = createFactKeeper();
    const fact = { type: 'event' } as unknown as Parameters<typeof keeper.see>[0];
    for (let n = 0; n < 40_000; n += 1) keeper.see(fact);
    assert.equal(keeper.facts.length, 30_000);
  });
});
