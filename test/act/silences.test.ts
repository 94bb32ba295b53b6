/** Silences: matched as Alertmanager matches, asked for seldom, never believed for long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderAlert } from '../../src/act/finding/finding.ts';
import { createSilences, isSilenced } from '../../src/act/silences.ts';
import type { Silence } from '../../src/act/sink.ts';
import { createRegex } from '../../src/commands/notifier.ts';
import { COUNTERPARTS } from '../counterparts/sinks.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { BEGAN_MS, dueOf, FINDING } from './matter.ts';
import { createTestLog } from './test-log.ts';

const regex = createRegex();
const silenceOf = (...matchers: Partial<Silence['matchers'][number]>[]): Silence => ({
  ...{ id: 's', endsMs: 1 },
  matchers: matchers.map((one) => ({
    name: 'agent',
    value: '',
    isRegex: false,
    isEqual: true,
    ...one,
  })),
});
const LABELS = { agent: 'agent-7', role: 'billing', severity: 'critical' };

describe('matchers', () => {
  it('must all hold; equal and unequal, text and expression', () => {
    const holds = (...matchers: Parameters<typeof silenceOf>) =>
      isSilenced(LABELS, silenceOf(...matchers), regex);
    assert.equal(holds({ value: 'agent-7' }), true);
    assert.equal(holds({ value: 'agent' }), false);
    assert.equal(holds({ value: 'agent-.*', isRegex: true }), true);
    assert.equal(holds({ value: 'agent', isRegex: true }), false, 'expressions are anchored');
    assert.equal(holds({ value: 'agent-8', isEqual: false }), true);
    assert.equal(holds({ value: 'agent-[0-9]', isRegex: true, isEqual: false }), false);
    assert.equal(holds({ value: 'agent-7' }, { name: 'role', value: 'support' }), false);
    assert.equal(holds({ name: 'team', value: '' }), true, 'an absent label is an empty one');
    assert.equal(holds({ name: 'constructor', value: '' }), true);
  });

  it('that cannot be compiled in bounded time hold nothing back', () => {
    for (const isEqual of [true, false])
      assert.equal(
        isSilenced(LABELS, silenceOf({ value: '(?=a)', isRegex: true, isEqual }), regex),
        false,
      );
    const slow = silenceOf({ value: '(a+)+$', isRegex: true });
    assert.equal(isSilenced({ agent: `${'a'.repeat(50_000)}!` }, slow, regex), false);
  });
});

describe('silences of Alertmanager', () => {
  it('are read at most every 30 s, outlive a short outage and not a long one', async () => {
    const clock = createVirtualClock(BEGAN_MS);
    const place = await COUNTERPARTS.alertmanager(clock);
    const { log, lines } = createTestLog();
    const silences = createSilences([place.sink], { clock, log, regex });
    const alert = renderAlert(dueOf(), FINDING);
    assert.ok(alert !== null);
    const now = () => silences.matching(alert);
    try {
      assert.equal(await now(), null);
      const id = place.silence?.(
        [{ name: 'team', value: 'x', isRegex: false }],
        BEGAN_MS + 3_600_000,
      );
      await clock.advance(29_999);
      assert.equal(await now(), null, 'not asked again yet');
      await clock.advance(1);
      assert.equal(await now(), id);
      await place.behave('breaks');
      await clock.advance(300_000);
      assert.equal(await now(), id);
      await clock.advance(30_000);
      assert.equal(await now(), null, 'nobody knows any more: people are told');
      assert.ok(lines.some(({ message }) => message === 'silences cannot be read'));
      await place.behave('works');
      await clock.advance(30_000);
      assert.equal(await now(), id);
      await clock.advance(3_600_000);
      assert.equal(await now(), null, 'it is over');
    } finally {
      await place.close();
    }
  });
});
