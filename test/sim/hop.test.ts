/** The hop: whoever dies, stalls or sends twice, lanes find together what one lane finds alone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Mode } from '../../src/model/decision.ts';
import { MISBEHAVIOURS } from '../../src/simulation/emission.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { integer, pick, stream } from '../../src/simulation/random.ts';
import { verdictOf } from '../detectors/run.ts';
import { disordered, withHeartbeats } from './fleet-log.ts';
import { hop } from './hop.ts';
import { openLane, readInOrder } from './lane.ts';
import { LATENESS_MS, laneOptions } from './lane-options.ts';
import { createLaneStore, type LaneStore } from './lane-store.ts';
import { shippedLibrary } from './library.ts';
import { collected, tenantsOf } from './tenants.ts';

const START_MS = 1_800_000_000_000;
const NOW_MS = START_MS + 86_400_000;
// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Number(process.env['PLUMBLINE_HOP_SEEDS'] ?? 25);
// biome-ignore lint/style/noProcessEnv: the same for where to begin.
const FIRST = Number(process.env['PLUMBLINE_HOP_FIRST'] ?? 1);

const { detectors, inventory } = await shippedLibrary();

/** A small fleet of one tenant. */
function fleetOf(seed: number): FleetOptions {
  const random = stream(seed, 'fleet');
  return {
    seed,
    agents: integer(random, 2, 5),
    startMs: START_MS,
    sessionsPerHour: pick(random, [60, 400, 4000]),
    badShare: pick(random, [0.3, 0.7, 1]),
    sessions: integer(random, 1, 3),
    misbehaviours: MISBEHAVIOURS,
  };
}

/** What the lanes found together; closed sessions are counted by role, whoever counted them. */
function together(stores: readonly LaneStore[]): string[] {
  const isCount = (line: string) => line.endsWith(' sessions closed');
  const units = new Map<string, number>();
  for (const store of stores)
    for (const [role, n] of store.units) units.set(role, (units.get(role) ?? 0) + n);
  const counted = [...units].map(([role, n]) => `${role}: ${n} sessions closed`);
  const lines = stores.flatMap((store) => verdictOf(store)).filter((line) => !isCount(line));
  return [...lines, ...counted].sort();
}

it(`finds the same in lanes as in one, whatever happens on the way: ${SEEDS} seeds`, async () => {
  const happened: Record<string, number> = {};
  let found = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const random = stream(seed, 'hop');
    const modes: readonly Mode[] = ['observe', 'constrained', 'autonomous', 'autonomous'];
    const mode = pick<Mode>(random, modes);
    const options = laneOptions({
      detectors,
      inventory,
      modeOf: () => mode,
      guardrails: { breakerFleetShare: pick(random, [0.2, 1]), breakerRoleShare: 1 },
    });
    const tenants = tenantsOf(fleetOf, seed, integer(random, 2, 5));
    const sent = collected(withHeartbeats(tenants, integer(random, 3, 6)), random);
    const log = disordered(sent, random, LATENESS_MS - 6_000, 5);
    const plain = createLaneStore();
    readInOrder(openLane(log, plain, options, NOW_MS), log);
    const lanes = integer(random, 1, 5);
    const hopped = await hop(log, options, lanes, random, NOW_MS).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    });
    assert.deepEqual(together(hopped.stores), together([plain]), `seed ${seed}`);
    for (const { counters } of hopped.stores)
      assert.equal(counters['late'] ?? 0, 0, `seed ${seed}: nothing came too late`);
    found += plain.detections.size;
    for (const [what, n] of Object.entries(hopped.happened))
      happened[what] = (happened[what] ?? 0) + n;
  }
  process.stdout.write(
    `hop: ${SEEDS} seeds from ${FIRST}: ${found} findings; ${JSON.stringify(happened)}\n`,
  );
  if (SEEDS < 25) return;
  // Lest it holds because nothing went wrong.
  for (const what of [
    ...['rebalances', 'members died', 'members stalled', 'bundles of those who are out'],
    ...['lanes taken from the living', 'lanes taken from the dead', 'commits refused'],
    ...['unanswered', 'in part', 'lost', 'commits tried again'],
  ])
    assert.ok((happened[what] ?? 0) > 0, what);
  assert.ok(found > SEEDS, `${found} findings`);
});
