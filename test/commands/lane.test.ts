/** Lane: modes of roles, whatever a role is called. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { modeIn } from '../../src/commands/lane.ts';
import type { Config } from '../../src/model/config.ts';
import { SOURCES } from '../sim/lane-options.ts';

it('gives a role the mode of its name, else the default, else observe', () => {
  const roles = { clerk: { mode: 'advise' }, default: { mode: 'constrained' } } as const;
  const config: Config = { sources: [...SOURCES], roles };
  for (const [role, mode] of [
    ['clerk', 'advise'],
    ['porter', 'constrained'],
    [null, 'constrained'],
    ['constructor', 'constrained'],
    ['__proto__', 'constrained'],
  ] as const)
    assert.equal(modeIn(config, role), mode, `${role}`);
  assert.equal(modeIn({ sources: [...SOURCES] }, 'clerk'), 'observe');
});
