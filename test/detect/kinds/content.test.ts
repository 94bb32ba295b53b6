/** Kind `content`: nothing that stands before a secret hides it, and nothing of it is repeated. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { content } from '../../../src/detect/kinds/content.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

const CARD = '4111111111111111';

function lab() {
  const said: string[] = [];
  const see = content.compile(
    { looksFor: 'personal-data', classes: ['communicate'] },
    {
      ...{ stem: 'card-leak', scope: 'card-leak@1', slots: new Slots() },
      inventory: EMPTY_INVENTORY,
      evicted: (_, detail) => said.push(detail),
    },
  );
  const call = (args: Record<string, unknown>) => {
    const action = { phase: 'attempt', tool: 't', decision: 'allow', outcome: 'unknown' } as const;
    const fact: EventFact = {
      type: 'event',
      event: eventOf({ kind: 'gateway', ms: 1, body: { action: { ...action, args } } }),
      ...{ session: null, tenant: '-', agent: 'a', role: null, argsDigest: null },
      ...{ toolClass: 'communicate', granted: null, ours: false, model: null, late: false },
      ...known(),
    };
    return see(fact);
  };
  return { call, said };
}

it('is not blinded by texts before it, or by depth', () => {
  const { call, said } = lab();
  let deep: unknown = CARD;
  for (let level = 0; level < 40; level += 1) deep = { in: deep };
  for (const args of [{ many: Array(3000).fill('x'), last: CARD }, { deep }]) {
    const found = call(args);
    assert.match(found?.explanation ?? '', /payment-card/);
    assert.doesNotMatch(JSON.stringify(found), /4111/);
  }
  assert.deepEqual(said, []);
});

it('says where a call holds more than is looked at', () => {
  const { call, said } = lab();
  const padding = Array(5000).fill('x');
  assert.equal(call({ many: padding, middle: CARD, more: padding }), null);
  const told = 'a call holds more than 4096 texts: the first and the last were looked at';
  assert.deepEqual(said, [told]);
  assert.match(call({ many: padding, last: CARD })?.explanation ?? '', /payment-card/);
  assert.deepEqual(said, [told, told]);
});
