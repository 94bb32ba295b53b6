/** Tests of identities: which claim decides, by what it rests on and who speaks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceConfig } from '../../src/model/config/source.ts';
import { tierOf } from '../../src/model/identity.ts';
import { agentBy, aliasesOf, identityRules } from '../../src/source/identity.ts';
import { createDecode } from '../../src/source/source.ts';
import { recordOf, wireCall } from './records.ts';

const SPIFFE = { basis: 'spiffe', value: 'spiffe://fleet/ns/agents/sa/billing' };
const SELF = { basis: 'self', value: 'billing' };

function rules(
  source: Partial<SourceConfig> = {},
  table: Readonly<Record<string, readonly string[]>> = {},
) {
  const { aliases, twice } = aliasesOf(table);
  assert.deepEqual(twice, []);
  const whole = {
    ...{ name: 's', topic: 's', decoder: 'canonical' },
    ...{ trust: 'gateway', kinds: ['gateway'], ...source },
  };
  return identityRules(whole as SourceConfig, aliases);
}

describe('tiers', () => {
  it('come from the basis: checked, key, platform, said', () => {
    assert.deepEqual(
      ['jwt', 'oidc', 'spiffe', 'mtls', 'key', 'platform', 'self', 'hearsay', undefined].map(
        (basis) => tierOf(basis, 'gateway'),
      ),
      [4, 4, 4, 4, 3, 2, 1, 1, 1],
    );
  });

  it('and are no higher than whoever writes the topic: an agent can claim a token, not check one', () => {
    assert.equal(tierOf('jwt', 'agent'), 1);
    assert.equal(tierOf('jwt', 'runtime'), 2);
    assert.equal(tierOf('jwt', 'policy'), 4);
  });
});

describe('the agent of a record', () => {
  it('is what it says where it says one thing, nobody limits it and no table is there', () => {
    const agent = { id: 'billing', basis: 'self', role: 'clerk' };
    assert.equal(agentBy(agent, rules()), agent);
  });

  it('is the highest claim, in whatever order they are written', () => {
    const agent = { id: 'billing', basis: 'self', claims: [SELF, SPIFFE] };
    assert.deepEqual(agentBy(agent, rules()), {
      id: SPIFFE.value,
      basis: 'spiffe',
      claims: [SPIFFE, SELF],
    });
  });

  it('is the highest claim that the table knows', () => {
    const agent = { id: SPIFFE.value, basis: 'spiffe', claims: [SPIFFE, SELF] };
    const table = { 'billing-desk': ['self:billing'] };
    assert.equal(agentBy(agent, rules({}, table))?.id, 'billing-desk');
    const both = { 'billing-desk': ['self:billing'], billing: [SPIFFE.value] };
    assert.deepEqual(agentBy(agent, rules({}, both)), {
      id: 'billing',
      basis: 'spiffe',
      claims: [
        { ...SPIFFE, agent: 'billing' },
        { ...SELF, agent: 'billing-desk' },
      ],
    });
  });

  it('tells subjects of different issuers apart', () => {
    const table = { billing: ['jwt:https://id.example#42'] };
    const by = (issuer: string) =>
      agentBy(
        { id: '42', basis: 'jwt', claims: [{ basis: 'jwt', value: '42', issuer }] },
        rules({}, table),
      )?.id;
    assert.equal(by('https://id.example'), 'billing');
    assert.equal(by('https://other.example'), '42');
  });

  it('is nobody where no claim may be made in this source', () => {
    const keyed = rules({ identity: { bases: ['key'] } });
    assert.equal(agentBy({ id: 'billing', basis: 'self' }, keyed), undefined);
    const claims = [SELF, { basis: 'key', value: 'k-1' }];
    assert.deepEqual(agentBy({ id: 'billing', claims }, keyed), { id: 'k-1', basis: 'key' });
  });

  it('is what it calls itself where one identity serves several, and contradicts nothing', () => {
    const shared = rules({ identity: { shared: true } }, { fleet: [SPIFFE.value] });
    const agent = { id: SPIFFE.value, basis: 'spiffe', claims: [SPIFFE, SELF] };
    assert.deepEqual(agentBy(agent, shared), { id: 'billing', basis: 'self' });
    const alone = { id: SPIFFE.value, basis: 'spiffe' };
    assert.equal(agentBy(alone, shared)?.id, 'fleet');
  });

  it('keeps role, subject and instance', () => {
    const agent = { id: 'k-1', basis: 'key', role: 'clerk', instance: 'pod-1', subject: 's' };
    assert.deepEqual(agentBy(agent, rules({}, { billing: ['key:k-1'] })), {
      ...{ id: 'billing', basis: 'key', role: 'clerk', instance: 'pod-1', subject: 's' },
      claims: [{ basis: 'key', value: 'k-1', agent: 'billing' }],
    });
  });
});

describe('the table of identities', () => {
  it('is refused where one identity stands for two agents', () => {
    const source = { name: 'g', topic: 'g', decoder: 'canonical', trust: 'gateway' } as const;
    const { problems } = createDecode([{ ...source, kinds: ['gateway'] }], new Map(), {
      identities: { a: ['key:1'], b: ['key:1', 'key:2'] },
    });
    assert.deepEqual(
      problems.map(({ key, message }) => `${key}: ${message}`),
      ['identities: key:1 stands for two agents'],
    );
  });

  it('cannot be brought by a payload: what a claim stands for is configuration', () => {
    const source = { name: 'g', topic: 'g', decoder: 'canonical', trust: 'gateway' } as const;
    const { decode } = createDecode([{ ...source, kinds: ['gateway'] }], new Map(), {});
    const claims = [{ basis: 'self', value: 'x', agent: 'billing' }, SELF];
    const event = { ...wireCall(), agent: { id: 'x', claims } };
    const [read] = decode(recordOf(Buffer.from(JSON.stringify(event)), { topic: 'g' })).events;
    assert.deepEqual(read?.agent?.claims, [{ basis: 'self', value: 'x' }, SELF]);
  });
});
