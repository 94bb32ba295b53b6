/** Tests of evidence levels as people read them, and of who abstains for want of content. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { abstainingBy, levelLines } from '../../src/commands/evidence-text.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { SourceLevels } from '../../src/record/levels.ts';

const HOUR_MS = 1_799_996_400_000;
const source = (name: string, kinds: readonly string[]) =>
  ({ name, topic: name, decoder: 'canonical', trust: 'gateway', kinds }) as unknown as SourceConfig;
const detector = (stem: string, evidence: string, sources: readonly string[]) =>
  ({ stem, needs: { evidence, sources } }) as unknown as Detector;
const levels = (name: string, counts: readonly number[], more: Partial<SourceLevels> = {}) => ({
  ...{ source: name, hourMs: HOUR_MS, counts, agents: 3, below: [] },
  ...more,
});

describe('who abstains', () => {
  const sources = [
    source('gw', ['gateway']),
    source('opa', ['gateway']),
    source('r', ['reasoning']),
  ];
  const detectors = [
    detector('text', 'L3', ['reasoning']),
    detector('args', 'L2', ['gateway']),
    detector('names', 'L0', ['gateway']),
  ];

  it('is whoever needs more than any measured source of its kinds usually carries', () => {
    const measured = [levels('gw', [9, 0, 1, 0]), levels('r', [0, 0, 0, 9])];
    assert.deepEqual(abstainingBy(measured, sources, detectors), [
      { stem: 'args', needs: 'L2', reaches: 'L0' },
    ]);
  });

  it('is nobody where one of several sources is enough', () => {
    const measured = [levels('gw', [9, 0, 1, 0]), levels('opa', [0, 0, 9, 0])];
    assert.deepEqual(abstainingBy(measured, sources, detectors), []);
  });

  it('is nobody of whose sources nothing was measured yet', () => {
    assert.deepEqual(abstainingBy([], sources, detectors), []);
  });
});

describe('the lines', () => {
  it('give shares, agents below, and the stems that abstain, escaped and bounded', () => {
    const below = [{ agent: 'evil\u001b[2J', counts: [9, 0, 0, 0] }];
    const abstaining = Array.from({ length: 15 }, (_, n) => ({
      ...{ stem: `d${n}`, needs: 'L3' as const, reaches: 'L2' as const },
    }));
    assert.deepEqual(levelLines([levels('gw', [1, 0, 3, 0], { below })], abstaining), [
      'Evidence of gw, 2027-01-15 07h, 3 agents: L2 75 %, L0 25 %; below it: evil\\u{1b}[2J L0',
      'Abstaining for want of L3, where L2 is usual: 15 detectors (d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11 and 3 more)',
    ]);
  });
});
