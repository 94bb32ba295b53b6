/** mix: another share of tools, by unit and on the clock of twenty units. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  freshMixWindow,
  MIX_UNITS,
  mix,
  mixOfWindow,
  withUnit,
} from '../../../src/baseline/dimensions/mix.ts';
import { callOf, unitOf } from '../../conformance/units.ts';
import { scoreOf, sessions } from './score.ts';

const calls = (tools: string, ms = 0) => [...tools].map((tool) => callOf({ tool, ms }));
const COUNTS = mix.learn(sessions(60, (ms) => calls('aaab', ms)));
const stateOf = (tools: string) => {
  const scorer = mix.compile([COUNTS]);
  const unit = unitOf(calls(tools));
  return unit.items.reduce((state, item) => scorer.see(state, item).state, scorer.begin(unit.head));
};
const windowOf = (tools: string, units: number) =>
  Array.from({ length: units }).reduce<ReturnType<typeof freshMixWindow>>(
    (window) => withUnit(window, stateOf(tools)),
    freshMixWindow(),
  );

describe('mix', () => {
  it('rises with the distance from the usual shares', () => {
    const score = (tools: string) => scoreOf(mix, [COUNTS], unitOf(calls(tools))).score ?? -1;
    assert.ok(score('aaabaaab') < score('abababab'));
    assert.ok(score('abababab') < score('zzzzzzzz'));
  });

  it('answers on its own clock: every twenty units, not before', () => {
    assert.equal(mixOfWindow(windowOf('aaab', MIX_UNITS - 1), [COUNTS]), null);
    const usual = mixOfWindow(windowOf('aaab', MIX_UNITS), [COUNTS]) ?? 1;
    const other = mixOfWindow(windowOf('abbb', MIX_UNITS), [COUNTS]) ?? 0;
    assert.ok(usual < 0.01 && other > 0.1, `${usual}, ${other}`);
  });

  it('fills a young agent up from its role', () => {
    const young = mix.learn([unitOf(calls('b'))]);
    const score = (levels: Parameters<typeof scoreOf>[1]) =>
      scoreOf(mix, levels, unitOf(calls('aaabaaab'))).score ?? 1;
    assert.ok(score([young, COUNTS]) < score([young]));
  });

  it('counts what is not known as one kind', () => {
    const { sentence } = scoreOf(mix, [COUNTS], unitOf(calls('axyz')));
    assert.match(sentence, /^4 calls of 2 kinds, 3 of kinds not known here; /);
  });
});
