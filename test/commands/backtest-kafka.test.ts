/** Ranges of Kafka as they are typed: what is meant is exact, and what is not is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backtest } from '../../src/commands/backtest.ts';
import { rangeOf } from '../../src/commands/backtest-kafka.ts';
import { typed } from './typed.ts';

describe('rangeOf', () => {
  it('reads topic, partition and offsets, the end not included', () => {
    assert.deepEqual(rangeOf('gateway:3:10-20'), {
      ...{ topic: 'gateway', partition: 3, low: 10, end: 20 },
    });
    assert.deepEqual(rangeOf('a.b-c:d:0:0-0'), {
      ...{ topic: 'a.b-c:d', partition: 0, low: 0, end: 0 },
    });
  });

  it('refuses anything else', () => {
    for (const wrong of [
      'gateway',
      'gateway:0',
      'gateway:0:5',
      'gateway:0:5-4',
      'gateway:x:0-1',
      ':0:0-1',
      'gateway:0:0-99999999999999999999',
      'gateway:0:-1-5',
    ])
      assert.throws(() => rangeOf(wrong), /--from takes topic:partition:from-to/, wrong);
  });
});

describe('a range on the command line', () => {
  it('is refused before any broker is asked', async () => {
    const refused = async (pattern: RegExp, ...args: string[]) => {
      const { code, refusal } = await typed(backtest, ...args);
      assert.equal(code, 2);
      assert.match(refusal ?? '', pattern);
    };
    const brokers = ['--brokers', '127.0.0.1:1'];
    await refused(/one of --from and --topics/, '--from', 'a:0:0-1', '--topics', 'a', ...brokers);
    await refused(/name the brokers/, '--topics', 'a');
    await refused(/lists host:port/, '--topics', 'a', '--brokers', 'nonsense');
    await refused(/names a:0 twice/, '--from', 'a:0:0-1,a:0:5-6', ...brokers);
    await refused(/--from has an empty entry/, '--from', 'a:0:0-1,', ...brokers);
    await refused(/takes a time such as/, '--topics', 'a', '--since', 'yesterday', ...brokers);
    const times = ['--since', '2026-01-02', '--until', '2026-01-01'];
    await refused(/--since must lie before --until/, '--topics', 'a', ...times, ...brokers);
  });
});
