import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FEATURES } from '../../../src/baseline/conduct/features.ts';
import {
  CHANGING,
  type Genuine,
  type Learning,
  learnModel,
  type Mode,
  type Row,
  UNJUDGED,
} from '../../../src/baseline/conduct/fit.ts';
import { compileTrees, type TreeNode } from '../../../src/stats/boosted-trees.ts';
import { uniformOf } from './conduct.ts';

const column = (name: string) => FEATURES.findIndex(([one]) => one === name);
/** A column that tells hijacks from the rest, and one that only one mandate's sessions have. */
const STRANGE = column('unmandated-nats');
const OWN_MARK = column('values');

const MANDATES = 8;
const UNITS = 20;

/** A changing call. */
function rowOf(values: Readonly<Record<number, number>>): Float64Array {
  const x = new Float64Array(FEATURES.length);
  x[CHANGING] = 1;
  for (const [at, value] of Object.entries(values)) x[Number(at)] = value;
  return x;
}

/** Eight mandates. `odd`: units of the first look like hijacks, and only who knew them knows better. */
function learning(mode: Mode, odd: boolean, units = UNITS): Learning {
  const uniform = uniformOf(4);
  const rows: Row[] = [];
  const genuine: Genuine[] = [];
  const fold: number[] = [];
  for (let host = 0; host < MANDATES * units; host += 1) {
    const mandate = Math.floor(host / units);
    fold.push(mandate);
    const strange = odd && mandate === 0 ? 10 : uniform() * 6;
    const x = rowOf({ [STRANGE]: strange, [OWN_MARK]: mandate === 0 ? 7 : 1 });
    genuine.push({ host, mode, rows: [x] });
    rows.push({ x, y: 0, weight: 1, host, donor: host, mode });
    const donor = (host + units) % (MANDATES * units);
    for (let k = 0; k < 3; k += 1) {
      const hijack = rowOf({ [STRANGE]: 4 + uniform() * 6, [OWN_MARK]: 1 + 6 * (k % 2) });
      rows.push({ x: hijack, y: 1, weight: 1, host, donor, mode });
    }
  }
  return { mode, rows, genuine, fold, mandates: MANDATES, seed: 1, progress: () => {} };
}

function columnsOf(nodes: readonly TreeNode[]): Set<number> {
  const found = new Set<number>();
  const walk = (node: TreeNode): void => {
    if (typeof node === 'number') return;
    found.add(node[0]);
    walk(node[3]);
    walk(node[4]);
  };
  nodes.forEach(walk);
  return found;
}

test('fit: held-out scores are told in the scale of the model in force', () => {
  const given = learning('unseen', true);
  const { model, scores } = learnModel(given);
  const { predict } = compileTrees(model);
  const hijacks = given.rows.filter(({ y }) => y === 1).map(({ x }) => predict(x));
  assert.equal(scores.length, MANDATES * UNITS);
  // The model that knew nothing of the odd mandate was surer of hijacks than the one in force is.
  assert.ok((scores.at(-1) as number) <= Math.max(...hijacks) + 1e-9);
  assert.ok((scores.at(-1) as number) > Math.max(...hijacks) - 1);
});

test('fit: units of which no call is judged count lowest, units without calls not at all', () => {
  const given = learning('unseen', false);
  const read = new Float64Array(FEATURES.length);
  const genuine = given.genuine.map((one, at) =>
    at === 0 ? { ...one, rows: [read] } : at === 1 ? { ...one, rows: [] } : one,
  );
  const { scores } = learnModel({ ...given, genuine });
  assert.equal(scores.length, MANDATES * UNITS - 1);
  assert.equal(scores[0], UNJUDGED);
  assert.ok((scores[1] as number) > UNJUDGED);
});

/** Rows whose only difference is a mark that the sessions of one mandate bear. */
function marked(mode: Mode): Learning {
  const units = 200;
  const given = learning(mode, false, units);
  const rows = given.rows.map((row) => ({
    ...row,
    x: rowOf({ [OWN_MARK]: row.y === 0 && row.host < units ? 7 : 1 }),
  }));
  // Two folds are enough here, and quicker.
  const fold = given.fold.map((mandate) => (mandate < MANDATES / 2 ? 0 : 1));
  return { ...given, rows, fold, genuine: [] };
}

test('fit: what marks one mandate alone is learnt for learnt mandates, and not for others', () => {
  assert.ok(columnsOf(learnModel(marked('seen')).model.trees).has(OWN_MARK));
  assert.ok(!columnsOf(learnModel(marked('unseen')).model.trees).has(OWN_MARK));
});
