/** Networks: membership, and what is no address. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileCidr } from '../../../src/detect/sigma/cidr.ts';

const within = (network: string, address: string) => compileCidr(network)?.(address);

describe('networks', () => {
  it('hold their addresses and no others', () => {
    assert.deepEqual(
      ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'].map((one) =>
        within('10.0.0.0/8', one),
      ),
      [true, true, false, false],
    );
    assert.deepEqual(
      ['192.168.1.4', '192.168.1.7', '192.168.1.8'].map((one) => within('192.168.1.4/30', one)),
      [true, true, false],
    );
    assert.ok(within('0.0.0.0/0', '1.2.3.4') && !within('0.0.0.0/0', '::1'));
    assert.ok(within('1.2.3.4', '1.2.3.4') && !within('1.2.3.4', '1.2.3.5'));
    assert.ok(within('fe80::/10', 'fe80::1%eth0') && within('2001:db8::/32', '2001:DB8:1::2'));
    assert.ok(!within('2001:db8::/32', '2001:db9::') && within('::/0', 'ff::'));
    assert.ok(within('10.0.0.0/8', '::ffff:10.1.2.3') && !within('10.0.0.0/8', '::10.1.2.3'));
    assert.ok(within('64:ff9b::1.2.3.0/120', '64:ff9b::102:3ff'));
  });

  it('that cannot be read are none', () => {
    for (const text of [
      '',
      '10.0.0/8',
      '10.0.0.0/33',
      '::/129',
      '1.2.3.4/x',
      '01.2.3.4',
      'host',
      ':::/3',
      '1::2::3',
      'g::/8',
    ])
      assert.equal(compileCidr(text), null, text);
  });

  it('takes for an address what the platform takes for one', () => {
    const everything = { 4: compileCidr('0.0.0.0/0'), 6: compileCidr('::/0') };
    const unit = fc.constantFrom('0', '1', '9', 'a', 'f', ':', '::', '.', '255', '256', '1.2.3.4');
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit, maxLength: 9 })), (text) => {
        const family = isIP(text);
        const mapped = /^(?:0{0,4}:)*:?(?:0{0,4}:)*ffff:/i.test(text);
        if (!mapped) assert.equal(everything[4]?.(text), family === 4, text);
        assert.equal(everything[6]?.(text), family === 6, text);
      }),
      { numRuns: 2000 },
    );
  });
});
