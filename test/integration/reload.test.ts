/** Detectors exchanged under a running daemon: checked whole, journalled, nothing twice or missed. */
import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';

const SHIPPED = fileURLToPath(new URL('../../detectors/', import.meta.url));
const SOURCES = ['governance', 'reasoning', 'gateway', 'metrics'] as const;
const TRUST = ['platform', 'agent', 'gateway', 'runtime'] as const;
const CONFIG = [
  'jsonl: { path: work, follow: true }',
  'detectors: { dir: detectors }',
  'sources:',
  ...SOURCES.map(
    (kind, at) =>
      `  - { name: ${kind}, topic: ${kind}, decoder: canonical, trust: ${TRUST[at]}, kinds: [${kind}], lateness: 1s, idleAfter: 1s }`,
  ),
  '',
].join('\n');
const PATIENCE_MS = 60_000;

let provider: ProvidedPostgres;
let database: FreshDatabase;
let cwd = '';

before(async () => {
  provider = await providePostgres();
  database = await freshDatabase(provider);
  cwd = await mkdtemp(join(tmpdir(), 'plumbline-reload-'));
  await cp(SHIPPED, join(cwd, 'detectors'), { recursive: true });
  await mkdir(join(cwd, 'work'));
  await writeFile(join(cwd, 'p.yaml'), CONFIG);
  for (const kind of SOURCES) await writeFile(join(cwd, 'work', `${kind}.jsonl`), '');
});
after(async () => {
  await database.drop();
  await provider.stop();
  await rm(cwd, { recursive: true, force: true });
});

let number = 0;

/** Measurements of an agent, one after another, as the running daemon would get them. */
async function measure(agent: string, values: readonly number[]): Promise<void> {
  const lines = values.map((value) => {
    number += 1;
    return `${JSON.stringify({
      id: `m-${number}`,
      kind: 'metrics',
      category: 'usage',
      time: { eventNs: `${Date.now() * 1e6 + number}` },
      agent: { id: agent },
      session: { id: `${agent}-s` },
      metric: { name: 'meter', type: 'gauge', temporality: 'none', value },
    })}\n`;
  });
  await appendFile(join(cwd, 'work', 'metrics.jsonl'), lines.join(''));
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    assert.ok(Date.now() < endMs, `waited in vain for ${what}`);
    await sleep(200);
  }
}

/** How often a detector fired, by agent. */
async function fired(): Promise<Record<string, number>> {
  const rows = await database.db.query(
    "select agent, count(*)::int as n from detection where detector = 'high-meter' group by agent",
  );
  return Object.fromEntries(rows.map((row) => [String(row['agent']), Number(row['n'])]));
}

async function reloads(): Promise<readonly { turns: readonly { stem: string }[] }[]> {
  const rows = await database.db.query(
    "select body::text as body from journal where kind = 'reload' order by n",
  );
  return rows.map((row) => JSON.parse(String(row['body'])));
}

const rule = (least: number) => `title: A meter stands high
id: 5b0c1b0e-6d53-4f63-9a0e-4c2f0a9d7e11
name: high_meter
taxonomy: plumbline
status: experimental
date: 2026-11-29
logsource: { product: ai_agent, service: metrics }
detection:
  high:
    metric.name: meter
    metric.value|gte: ${least}
  condition: high
falsepositives: [A meter that is meant to stand high]
level: low
tags: [owasp-asi.asi08]
plumbline:
  format: 1
  maturity: alert
  evidence_class: hard
  needs: { sources: [metrics], evidence: L0 }
  entity: [agent.id]
  why: This test wants to see which version of it has the say.
  misses: Everything that is not measured by the meter of this test.
  triage: Nothing needs to be done about it, for it is a test.
`;

test('a detector is added, edited and broken while the daemon runs', async () => {
  const daemon = launch(['run', '--config', 'p.yaml', '--migrate'], {
    cwd,
    env: { DATABASE_URL: database.url },
  });
  try {
    // Judged, not only read: what waits for the watermark is judged by whatever is in force then.
    const judged = async () => {
      const [row] = await database.db
        .query("select 1 from lane where (counters->>'folded-metrics')::int = 1")
        .catch(() => []);
      return row ?? null;
    };
    await measure('before', [50]);
    await until('the first measurement to be judged', judged);
    const file = join(cwd, 'detectors', 'volume', 'high-meter.yaml');
    await writeFile(file, rule(40));
    await until('the first reload', async () => ((await reloads()).length > 0 ? true : null));
    await measure('added', [50, 30]);
    await until('a finding of the new detector', async () =>
      (await fired())['added'] === 1 ? true : null,
    );
    // Broken: one mistake anywhere refuses the whole set, and what is in force goes on.
    await writeFile(file, rule(40).replace('|gte', '|gteee'));
    await until('the refusal', async () => {
      const [row] = await database.db.query(
        "select count from notice where code = 'detectors.refused'",
      );
      return row ?? null;
    });
    assert.match(daemon.stdout() + daemon.stderr(), /gteee/);
    await measure('while-broken', [50]);
    await until('a finding meanwhile', async () =>
      (await fired())['while-broken'] === 1 ? true : null,
    );
    await writeFile(file, rule(60));
    await until('the second reload', async () => ((await reloads()).length > 1 ? true : null));
    await measure('edited', [50, 70]);
    await until('a finding of the edited version', async () =>
      (await fired())['edited'] === 1 ? true : null,
    );
    assert.deepEqual(await fired(), { added: 1, 'while-broken': 1, edited: 1 });
    assert.deepEqual(
      (await reloads()).map(({ turns }) => turns.map(({ stem }) => stem)),
      [['high-meter'], ['high-meter']],
    );
  } finally {
    await daemon.end();
  }
  assert.equal((await daemon.finished).code, 0, daemon.stderr());
  // The file outlives the process: what runs next has the version that is there.
  assert.match(
    await readFile(join(cwd, 'detectors', 'volume', 'high-meter.yaml'), 'utf8'),
    /gte: 60/,
  );
});
