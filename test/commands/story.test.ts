/** Story options: what they make of a fleet, and what they refuse, with the reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '../../src/commands/arguments.ts';
import {
  DAY_MS,
  learntPart,
  STORY_OPTIONS,
  scoredPart,
  storyOf,
} from '../../src/commands/story.ts';

const START = Date.UTC(2026, 8, 1);
const storyFor = (...args: string[]) => storyOf(parse(args, STORY_OPTIONS));

test('without an option of a story there is none: the fleet stays the one it was', () => {
  assert.equal(storyFor(), null);
  assert.equal(storyFor('--labels', 'x.jsonl'), null);
});

test('roles are chosen by name, or all of them', () => {
  const names = (value: string) =>
    storyFor('--roles', value)?.shared.roles?.map(({ name }) => name);
  assert.deepEqual(names('recruiter, support-desk'), ['recruiter', 'support-desk']);
  assert.equal(names('stories')?.length, 10);
  assert.equal(names('all')?.length, 14);
  assert.equal(storyFor('--rho', '0.2')?.shared.roles?.length, 10);
});

test('days give seasons and an end; days to learn from come before and are sound', () => {
  const story = storyFor('--days', '2', '--learn-days', '3', '--changes', 'all', '--rho', '0.8');
  assert.ok(story !== null);
  const score = scoredPart(story, '1', 40, START);
  assert.equal(score.untilMs, START + 2 * DAY_MS);
  assert.deepEqual([score.seasons, score.temper, score.period], [true, { rho: 0.8 }, 'score/']);
  assert.equal(score.changes?.length, 10);
  assert.ok(Object.keys(score.rates ?? {}).length > 8);
  const learn = learntPart(story, START);
  assert.deepEqual([learn.rates, learn.badShare, learn.changes], [{}, 0, undefined]);
  assert.equal(learn.untilMs, START + 3 * DAY_MS);
});

test('rates, changes and poison are read as written', () => {
  const story = storyFor(
    ...['--days', '1', '--learn-days', '1', '--poison', '0.1'],
    ...['--rates', 'tool-sweep=0.2, injection-resisted=0.1', '--changes', 'model=2,slow-drift=1'],
  );
  assert.deepEqual(story?.rates, { 'tool-sweep': 0.2, 'injection-resisted': 0.1 });
  assert.deepEqual(story?.changes, { model: 2, 'slow-drift': 1 });
  assert.ok(story !== null);
  assert.deepEqual(learntPart(story, START).rates, { 'poisoned-window': 0.1 });
  assert.deepEqual(storyFor('--rates', 'none')?.rates, {});
});

test('mistakes are refused with what is possible', () => {
  const wrong: [string[], RegExp][] = [
    [['--roles', 'pilot'], /"pilot"; possible: stories, all, support-desk/],
    [['--rates', 'theft=0.1'], /"theft"; possible: .*tool-sweep/],
    [['--rates', 'tool-sweep=2'], /tool-sweep="2"/],
    [['--rates', 'tool-sweep='], /tool-sweep=""/],
    [['--rates', 'tool-sweep=0.9,cost-spiral=0.9'], /together at most 1/],
    [['--days', '1', '--changes', 'model=0.5'], /model="0.5"/],
    [['--changes', 'model=1'], /needs --days/],
    [['--learn-days', '1'], /needs --days/],
    [['--days', '1', '--poison', '0.1'], /needs --learn-days/],
    [['--rho', '1.2'], /--rho is a number from 0 to 1/],
    [['--days', '0'], /--days takes a whole number/],
  ];
  for (const [args, reason] of wrong) {
    assert.throws(() => storyFor(...args), { code: 'CONFIG_INVALID', message: reason });
  }
});
