/** Simulated fleets on disk for the evaluation: two periods, labels, changes and truths. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createJsonlPublisher } from '../adapters/jsonl-publisher.ts';
import { type LabelledSession, readLabels } from '../evaluation/recordings/labels.ts';
import type { StoryChange } from '../evaluation/recordings/stories.ts';
import type { OutRecord } from '../model/ports.ts';
import type { Change } from '../simulation/changes.ts';
import type { Emission, SessionLabel, Truth } from '../simulation/emission.ts';
import { createFleet } from '../simulation/fleet.ts';
import type { FleetOptions } from '../simulation/fleet-options.ts';
import { encodeEvent } from '../source/canonical.ts';
import { parse, usage } from './arguments.ts';
import { DAY_MS, learntPart, STORY_OPTIONS, type Story, scoredPart, storyOf } from './story.ts';

/** One period of a fleet as it was written. */
export interface Period {
  readonly dir: string;
  readonly labels: readonly LabelledSession[];
  /** Event time of each session's first record, ms. */
  readonly startMs: ReadonlyMap<string, number>;
  readonly roles: ReadonlyMap<string, string>;
  readonly truths: readonly Truth[];
  readonly changes: readonly StoryChange[];
}

/** A fleet to write: options as `simulate` takes them. */
export interface FleetPlan {
  readonly agents: number;
  readonly seed: string;
  readonly options: readonly string[];
  /** What has no word on the command line, of the days to learn from. */
  readonly learning?: Pick<FleetOptions, 'manyStrangers'>;
}

/** Time of the first record: any Monday will do, and the same one gives the same bytes. */
const START_MS = Date.UTC(2026, 0, 5);
const BATCH = 1000;

/** Runs `work` with a new folder that is gone afterwards, whatever happens. */
export async function inTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-evaluate-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Writes the days to learn from into `dir/learn` and those to score into `dir/score`. */
export async function writeFleet(
  dir: string,
  plan: FleetPlan,
): Promise<{ readonly learn: Period; readonly score: Period }> {
  const story = storyOf(parse(plan.options, STORY_OPTIONS));
  if (story?.learnDays == null)
    throw usage('a fleet to be evaluated needs --learn-days and --days');
  const scoreMs = START_MS + story.learnDays * DAY_MS;
  const { agents, seed } = plan;
  const common = {
    ...{ seed, agents, badShare: 0 },
    sessionsPerHour: Math.max(1, Math.round(agents / 2)),
  };
  const learn = { ...common, ...plan.learning, ...learntPart(story, START_MS), startMs: START_MS };
  const score = { ...common, ...scoredPart(story, seed, agents, scoreMs), startMs: scoreMs };
  return {
    learn: await writePeriod(path.join(dir, 'learn'), learn, story),
    score: await writePeriod(path.join(dir, 'score'), score, story),
  };
}

async function writePeriod(dir: string, options: FleetOptions, story: Story): Promise<Period> {
  const labels: SessionLabel[] = [];
  const truths: Truth[] = [];
  const startMs = new Map<string, number>();
  const roles = new Map<string, string>();
  const fleet = createFleet({ ...options, onLabel: (label) => labels.push(label) });
  const publisher = createJsonlPublisher(dir);
  try {
    for (;;) {
      const emissions = fleet.take(BATCH);
      if (emissions.length === 0) break;
      for (const { event, truth, atMs } of emissions) {
        if (truth !== null) truths.push(truth);
        const session = event.session?.id;
        if (session === undefined || startMs.has(session)) continue;
        startMs.set(session, atMs);
        roles.set(session, event.agent?.role ?? '');
      }
      await publisher.publish(emissions.map(recordOf));
    }
  } finally {
    await publisher.close();
  }
  const text = labels.map((label) => JSON.stringify(label)).join('\n');
  const changes = (options.changes ?? story.shared.changes ?? []).flatMap(changesOf);
  return { dir, labels: readLabels(text, 'simulated labels'), startMs, roles, truths, changes };
}

function recordOf({ topic, key, event, atMs }: Emission): OutRecord {
  return { topic, key, value: encodeEvent(event), timestampMs: atMs };
}

function changesOf({ kind, agents, atMs }: Change): StoryChange[] {
  return agents.map(({ id }) => ({ kind, agent: id, atMs }));
}
