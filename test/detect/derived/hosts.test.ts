/** Hosts of a call: what an argument points to, however it is dressed up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { derivedField } from '../../../src/detect/derived/fields.ts';
import { hostsOf, hostsOutside, isWithin } from '../../../src/detect/derived/hosts.ts';
import { askedCall, inventoryOf, tool } from './asked-call.ts';

const hosts = (args: Record<string, unknown>) => hostsOf(askedCall({ args }));

describe('hosts of a call', () => {
  it('are those of addresses, wherever they stand', () => {
    assert.deepEqual(hosts({ text: 'see https://A.Example.org:8443/x and ftp://b.example' }), [
      'a.example.org',
      'b.example',
    ]);
    assert.deepEqual(hosts({ deep: [{ to: ['ann@mail.example.org'] }] }), ['mail.example.org']);
    assert.deepEqual(hosts({ host: 'db.internal:5432' }), ['db.internal']);
    assert.deepEqual(hosts({ note: 'version 1.2 of report.txt' }), []);
  });

  it('are read behind names, passwords and backslashes', () => {
    assert.deepEqual(hosts({ u: 'https://good.example@evil.example/x' }), ['evil.example']);
    assert.deepEqual(hosts({ u: 'https://evil.example\\@good.example/x' }), ['evil.example']);
    assert.deepEqual(hosts({ u: 'https://u:p@[2001:DB8::1]:443/x' }), ['2001:db8::1']);
    assert.deepEqual(hosts({ u: 'https://evil.example./' }), ['evil.example']);
  });

  it('include the resource, and are absent where nothing is known of arguments', () => {
    assert.deepEqual(hostsOf(askedCall({ resource: { uri: 's3://bucket.example/key' } })), [
      'bucket.example',
    ]);
    assert.equal(hostsOf(askedCall()), undefined);
    assert.deepEqual(hosts({}), []);
  });

  it('are not hidden behind padding; whether all lie in the zone is open where not all were read', () => {
    const inventory = inventoryOf([tool('send_report', { destinations: ['*.example.org'] })]);
    const inZone = (args: Record<string, unknown>) =>
      derivedField('call.inZone')?.read(askedCall({ args }, inventory));
    const list = Array(4096).fill('');
    assert.deepEqual(hosts({ list, url: 'https://evil.example' }), ['evil.example']);
    assert.equal(inZone({ list, url: 'https://evil.example' }), false);
    assert.equal(inZone({ list, url: 'https://a.example.org', more: list }), undefined);
    assert.equal(inZone({ url: 'https://a.example.org' }), true);
  });

  it('are bounded, and no text makes them slow or throw', () => {
    const many = Array.from({ length: 5000 }, (_, n) => `https://h${n}.example`);
    assert.equal(hosts({ many })?.length, 4096);
    const began = process.cpuUsage().user;
    for (const text of ['a', '@', 'x@', '://', 'a.', '://a', '[', '://[', 'a://b@'])
      hosts({ host: text.repeat(100_000), list: Array(200).fill(text.repeat(2_000)) });
    assert.ok(process.cpuUsage().user - began < 2_000_000);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
        for (const host of hosts(args) ?? []) assert.equal(host, host.toLowerCase());
      }),
      { numRuns: 200 },
    );
  });
});

describe('hosts outside', () => {
  const inventory = inventoryOf(
    [tool('send_report', { destinations: ['Partner.example'] })],
    ['*.house.example'],
  );
  const outside = (args: Record<string, unknown>) => hostsOutside(askedCall({ args }, inventory));

  it('are those that neither zone nor destinations name', () => {
    assert.deepEqual(outside({ to: 'https://partner.example/in' }), []);
    assert.deepEqual(outside({ to: 'https://a.house.example' }), []);
    assert.deepEqual(outside({ to: 'https://house.example https://x.example' }), [
      'house.example',
      'x.example',
    ]);
    assert.deepEqual(outside({ to: 'https://evilhouse.example' }), ['evilhouse.example']);
  });

  it('are not hidden behind padding, hosts of the house, or depth', () => {
    const own = Array.from({ length: 2000 }, (_, n) => `https://h${n}.house.example/`);
    let deep: unknown = 'https://evil.example/';
    for (let level = 0; level < 40; level += 1) deep = [deep];
    for (const before of [own, own.join(' '), 'x'.repeat(300_000)])
      for (const to of ['https://evil.example/', 'mallory@evil.example', deep])
        assert.deepEqual(outside({ before, to }), ['evil.example']);
  });

  it('cannot be told where nothing is declared', () => {
    assert.equal(hostsOutside(askedCall({ args: { to: 'https://x.example' } })), undefined);
  });

  it('take a pattern for what lies below it, and not for itself', () => {
    assert.equal(isWithin('a.b.example', '*.b.example'), true);
    assert.equal(isWithin('b.example', '*.b.example'), false);
    assert.equal(isWithin('b.example', 'b.example'), true);
    assert.equal(isWithin('xb.example', '*.b.example'), false);
  });
});
