/** `backtest` on real files: alerts, labels, expectations, two versions, sequences, exit codes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { backtest } from '../../src/commands/backtest.ts';
import type { WrittenCase } from '../../src/commands/case-file.ts';
import { ROOT } from '../../src/commands/library.ts';
import type { BacktestReport } from '../../src/evaluation/backtest/report.ts';
import { inFolder, labelLine, typed, writeCorpus } from './typed.ts';

const DETECTORS = path.join(ROOT, 'detectors');

/** So many calls of one tool that fail alike, by `agent-1` in a session. */
const loop = (session: string, times: number): WrittenCase['given'] => [
  { at: '-20s', session, opens: true },
  ...(['states', 'calls'] as const).map((what) => ({
    ...{ at: what === 'states' ? '+5s' : '+5.1s', session, times, every: '10s', call: 'c' },
    ...{ id: `${what}-${session}`, label: `${what}-${session}` },
    [what]:
      what === 'states'
        ? { tool: 'read_record', args: { id: 7 } }
        : { tool: 'read_record', args: { id: 7 }, outcome: 'error' },
  })),
];

async function reported(...args: string[]): Promise<{ code: number; report: BacktestReport }> {
  // Measuring takes longer than all the rest of so small a corpus; one test asks for it.
  const costed = args.includes('--cost')
    ? args.filter((each) => each !== '--cost')
    : [...args, '--no-cost'];
  const { code, json, refusal } = await typed(backtest, ...costed);
  assert.equal(refusal, null);
  return { code, report: json as BacktestReport };
}

/** A folder of one detector, with its limit set anew. */
async function retryAt(dir: string, limit: number): Promise<void> {
  const source = path.join(DETECTORS, 'volume', 'retry-spiral.yaml');
  const text = await readFile(source, 'utf8');
  assert.match(text, /atLeast: 6\n/);
  await mkdir(path.join(dir, 'volume'), { recursive: true });
  await writeFile(
    path.join(dir, 'volume', 'retry-spiral.yaml'),
    text.replace('atLeast: 6\n', `atLeast: ${limit}\n`),
  );
}

describe('backtest', () => {
  it('counts what each detector says of a folder, by label, with examples and cost', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'a'), [...loop('s-7', 7), ...loop('s-8', 4)]);
      const labels = labelLine('s-7', 'attack_succeeded') + labelLine('s-8', 'benign');
      await writeFile(path.join(dir, 'labels.jsonl'), labels);
      const { code, report } = await reported('--cost', '--corpus', path.join(dir, 'a'));
      assert.equal(code, 0);
      const [corpus] = report.corpora;
      assert.equal(corpus?.name, path.join(dir, 'a'));
      assert.equal(corpus?.deadLetters, 0);
      const spiral = report.detectors.find(({ detector }) => detector === 'retry-spiral');
      assert.equal(spiral?.alerts, 1);
      assert.deepEqual([spiral?.sessions, spiral?.agents], [1, 1]);
      const succeeded = spiral?.byLabel.find(({ label }) => label === 'attack_succeeded');
      assert.deepEqual(succeeded, { label: 'attack_succeeded', alerts: 1, sessions: 1, of: 1 });
      const benign = spiral?.byLabel.find(({ label }) => label === 'benign');
      assert.deepEqual(benign, { label: 'benign', alerts: 0, sessions: 0, of: 1 });
      assert.equal(spiral?.examples[0]?.session, 's-7');
      const others = report.detectors.filter(({ alerts }) => alerts > 0);
      assert.deepEqual(
        others.map(({ detector }) => detector),
        ['retry-spiral'],
      );
      assert.ok((report.cost?.events ?? 0) > 10);
      assert.ok((report.cost?.byDetector['retry-spiral'] ?? -1) >= 0);
      const abstained = report.detectors.find(({ detector }) => detector === 'hijacked-session');
      assert.match(abstained?.blindness.abstained ?? '', /no baseline is in force/);
    });
  });

  it('looks into folders of folders, and reads one file as an archive', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'x', '1', 'score'), loop('s-7', 7));
      await writeCorpus(path.join(dir, 'x', '2', 'score'), loop('s-7', 3));
      const both = await reported('--corpus', path.join(dir, 'x'), '--detector', 'retry-spiral');
      assert.deepEqual(Object.values(both.report.detectors[0]?.byCorpus ?? {}), [1, 0]);
      const gateway = path.join(dir, 'x', '1', 'score', 'gateway.jsonl.gz');
      const one = await reported('--corpus', gateway, '--detector', 'retry-spiral');
      assert.equal(one.report.detectors[0]?.alerts, 1);
      const unheard = await reported('--corpus', gateway, '--detector', 'after-close');
      assert.deepEqual(unheard.report.detectors[0]?.blindness.unheard, ['governance']);
    });
  });

  it('reads an archive of mixed kinds', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'x'), loop('s-7', 7));
      const { gunzipSync } = await import('node:zlib');
      const parts = ['governance', 'reasoning', 'gateway', 'metrics'].map((kind) =>
        readFile(path.join(dir, 'x', `${kind}.jsonl.gz`)).then(
          (bytes) => gunzipSync(bytes).toString('utf8'),
          () => '',
        ),
      );
      const lines = (await Promise.all(parts)).join('').trim().split('\n');
      const timeOf = (line: string) => (JSON.parse(line) as { time: { eventNs: string } }).time;
      const byTime = lines.sort((a, b) => (timeOf(a).eventNs < timeOf(b).eventNs ? -1 : 1));
      const file = path.join(dir, 'archive.jsonl.gz');
      await writeFile(file, gzipSync(`${byTime.join('\n')}\n`));
      const { report } = await reported('--corpus', file);
      assert.equal(report.corpora[0]?.records, lines.length);
      const found = report.detectors.filter(({ alerts }) => alerts > 0);
      assert.deepEqual(
        found.map(({ detector }) => detector),
        ['retry-spiral'],
      );
    });
  });

  it('ends with 0 where expectations are met and with 1 where not, and says so in JUnit', async () => {
    await inFolder(async (dir) => {
      const corpus = path.join(dir, 'a');
      const [file, junit] = [path.join(dir, 'expect.yaml'), path.join(dir, 'junit.xml')];
      await writeCorpus(corpus, loop('s-7', 7));
      const expecting = async (text: string, ...more: string[]) => {
        await writeFile(file, text);
        return await typed(
          backtest,
          '--no-cost',
          '--corpus',
          corpus,
          '--expectations',
          file,
          ...more,
        );
      };
      const met = `- { rule: retry_spiral, corpus: ${JSON.stringify(corpus)}, exactly: 1 }\n`;
      assert.equal((await expecting(met, '--junit', junit)).code, 0);
      assert.match(await readFile(junit, 'utf8'), /tests="1" failures="0"/);
      const unmet = await expecting('- { detector: retry-spiral, at_most: 0 }\n', '--junit', junit);
      assert.equal(unmet.code, 1);
      assert.match(unmet.text, /UNMET\s+retry-spiral: at most 0 alerts; found 1/);
      assert.match(await readFile(junit, 'utf8'), /tests="1" failures="1"/);
    });
  });

  it('warns of unexpected detectors, fails on them where asked to, or ignores them', async () => {
    await inFolder(async (dir) => {
      const [corpus, file] = [path.join(dir, 'a'), path.join(dir, 'expect.yaml')];
      await writeCorpus(corpus, loop('s-7', 7));
      await writeFile(file, '- { detector: after-close, exactly: 0 }\n');
      const run = (...more: string[]) =>
        typed(backtest, '--no-cost', '--corpus', corpus, '--expectations', file, ...more);
      const warned = await run();
      assert.equal(warned.code, 0);
      assert.match(warned.text, /unexpected: retry-spiral in /);
      assert.equal((await run('--unexpected', 'fail')).code, 1);
      const ignored = await run('--unexpected', 'ignore');
      assert.deepEqual([ignored.code, /nexpected/.test(ignored.text)], [0, false]);
    });
  });

  it('refuses what it cannot run before it runs anything, with 2', async () => {
    await inFolder(async (dir) => {
      const [corpus, file] = [path.join(dir, 'a'), path.join(dir, 'expect.yaml')];
      await writeCorpus(corpus, loop('s-7', 3));
      const refused = async (pattern: RegExp, ...args: string[]) => {
        const { code, refusal } = await typed(backtest, ...args);
        assert.equal(code, 2, args.join(' '));
        assert.match(refusal ?? '', pattern);
      };
      await refused(/backtest over what/);
      await refused(/is not there/, '--corpus', path.join(dir, 'none'));
      await mkdir(path.join(dir, 'empty'));
      await refused(/holds no corpus/, '--corpus', path.join(dir, 'empty'));
      await refused(/no such detector: "x"/, '--corpus', corpus, '--detector', 'x');
      await refused(/ends in .md or .json/, '--corpus', corpus, '--report', 'r.txt');
      await refused(/one of fail, warn, ignore/, '--corpus', corpus, '--unexpected', 'x');
      await refused(/needs --topics/, '--corpus', corpus, '--since', '2026-01-01');
      await writeFile(file, '- { detector: retry-spirals, exactly: 1 }\n- { exactly: 1 }\n');
      const both = ['--corpus', corpus, '--expectations', file];
      await refused(
        /expect\.yaml:1: 0\.detector: no such detector.*\n.*names no detector/s,
        ...both,
      );
      await mkdir(path.join(dir, 'd', 'volume'), { recursive: true });
      await writeFile(path.join(dir, 'd', 'volume', 'x.yaml'), 'title: [');
      await refused(/x\.yaml:1/, '--corpus', corpus, '--detectors', path.join(dir, 'd'));
      await writeFile(path.join(dir, 'gateway.jsonl'), 'nonsense\n');
      await refused(/none of its 1 records/, '--corpus', path.join(dir, 'gateway.jsonl'));
      await refused(/neither a folder nor a revision/, '--corpus', corpus, '--against=--output=x');
    });
  });

  it('compares two folders: gained, lost, earlier, by label', async () => {
    await inFolder(async (dir) => {
      const [corpus, old, recent] = ['c', 'old', 'new'].map((name) => path.join(dir, name)) as [
        string,
        string,
        string,
      ];
      await writeCorpus(corpus, [...loop('s-7', 7), ...loop('s-8', 4)]);
      await writeFile(path.join(dir, 'labels.jsonl'), labelLine('s-8', 'benign'));
      await retryAt(old, 6);
      await retryAt(recent, 4);
      const page = path.join(dir, 'report.md');
      const args = ['--corpus', corpus, '--detectors', recent, '--against', old];
      const { code, report } = await reported(...args, '--report', page);
      assert.equal(code, 0);
      const [diff] = report.against?.diffs ?? [];
      assert.equal(diff?.detector, 'retry-spiral');
      assert.notEqual(diff?.oldVersion, diff?.newVersion);
      assert.deepEqual(
        diff?.gained.map(({ session }) => session),
        ['s-8'],
      );
      assert.deepEqual([diff?.lost.length, diff?.same, diff?.moved.length], [0, 0, 1]);
      // Two calls fewer, ten seconds apart.
      assert.equal(diff?.laterMs?.median, -20_000);
      assert.deepEqual(
        diff?.byLabel.find(({ label }) => label === 'benign'),
        { label: 'benign', gained: 1, lost: 0, both: 0 },
      );
      const text = await readFile(page, 'utf8');
      assert.match(text, /\| retry-spiral \| edited \| 1 \| 0 \| 0 \| 1 \|/);
    });
  });

  it('compares with a revision of git, without touching what is checked out', async () => {
    await inFolder(async (dir) => {
      const [repository, corpus] = [path.join(dir, 'r'), path.join(dir, 'c')];
      await writeCorpus(corpus, loop('s-8', 4));
      await retryAt(path.join(repository, 'rules'), 6);
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
          cwd: repository,
          stdio: 'pipe',
        }).toString();
      git('init', '-q');
      git('add', '-A');
      git('commit', '-qm', 'first');
      await retryAt(path.join(repository, 'rules'), 4);
      const args = ['--corpus', corpus, '--detectors', path.join(repository, 'rules')];
      const { report } = await reported(...args, '--against', 'HEAD');
      assert.match(report.against?.name ?? '', /^HEAD \([0-9a-f]{12}\)$/);
      assert.equal(report.against?.diffs[0]?.gained.length, 1);
      assert.equal(git('status', '--porcelain').trim(), 'M rules/volume/retry-spiral.yaml');
    });
  });

  it('begins each folder anew, unless it is to go on', async () => {
    await inFolder(async (dir) => {
      // Three calls before the cut, four after it: together a spiral, apart none.
      const calls = loop('s-7', 3);
      await writeCorpus(path.join(dir, 'a', '1'), calls);
      const later = loop('s-7', 4).slice(1) as WrittenCase['given'];
      const moved = later.map((each) => ({
        ...each,
        id: `${String(each['id'])}-later`,
        at: each['at'] === '+5s' ? '+40s' : '+40.1s',
      })) as WrittenCase['given'];
      await writeCorpus(path.join(dir, 'a', '2'), moved, { setup: 'bare' });
      const args = ['--corpus', path.join(dir, 'a'), '--detector', 'retry-spiral'];
      assert.equal((await reported(...args)).report.detectors[0]?.alerts, 0);
      const { report } = await reported(...args, '--continuous');
      assert.equal(report.corpora.length, 1);
      assert.equal(report.detectors[0]?.alerts, 1);
    });
  });

  it('counts detectors in shadow too, and marks them', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'c'), loop('s-7', 7));
      await retryAt(path.join(dir, 'd'), 6);
      const file = path.join(dir, 'd', 'volume', 'retry-spiral.yaml');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/maturity: \w+/, 'maturity: shadow'));
      const { text: said } = await typed(
        backtest,
        ...['--corpus', path.join(dir, 'c'), '--detectors', path.join(dir, 'd')],
      );
      assert.match(said, /^retry-spiral \(shadow\)\s+1 /m);
    });
  });

  it('sets apart what an exception excused', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'c'), [...loop('s-7', 7), ...loop('s-8', 7)]);
      await retryAt(path.join(dir, 'd'), 6);
      await mkdir(path.join(dir, 'd', 'exceptions'));
      const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
      await writeFile(
        path.join(dir, 'd', 'exceptions', 'known.yaml'),
        [
          'id: known-loop',
          'match: { session: s-7 }',
          'detectors: [retry-spiral]',
          `expires: ${inAMonth}`,
          'owner: ann',
          'reason: a loop that is known',
          `evidence: [${'a'.repeat(64)}]`,
        ].join('\n'),
      );
      const args = ['--corpus', path.join(dir, 'c'), '--detectors', path.join(dir, 'd')];
      const { report } = await reported(...args);
      const [spiral] = report.detectors;
      assert.equal(spiral?.alerts, 1);
      assert.deepEqual(
        spiral?.examples.map(({ session }) => session),
        ['s-8'],
      );
      assert.deepEqual(spiral?.excused, { 'known-loop': 1 });
    });
  });

  it('reads on where one file ends early and the buffer is small', async () => {
    await inFolder(async (dir) => {
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, loop('s-7', 1500), { setup: 'bare' });
      // A stream that falls silent at once must not hold back all others for ever.
      const config = path.join(dir, 'p.yaml');
      const kinds = ['governance', 'reasoning', 'gateway'];
      await writeFile(
        config,
        [
          'jsonl: { path: c }',
          'correlate: { maxBuffered: 1000 }',
          'sources:',
          ...kinds.map(
            (kind) =>
              `  - { name: ${kind}, topic: ${kind}, decoder: canonical, trust: platform, kinds: [${kind}] }`,
          ),
        ].join('\n'),
      );
      const { report } = await reported('--corpus', corpus, '--config', config);
      const spiral = report.detectors.find(({ detector }) => detector === 'retry-spiral');
      assert.equal(spiral?.alerts, 1);
    });
  });

  it('judges behaviour by baselines that were learnt or reviewed', async () => {
    await inFolder(async (dir) => {
      await writeCorpus(path.join(dir, 'c'), loop('s-7', 7));
      await cp(path.join(dir, 'c'), path.join(dir, 'l'), { recursive: true });
      const args = ['--corpus', path.join(dir, 'c'), '--detector', 'hijacked-session'];
      const learnt = await reported(...args, '--learn', path.join(dir, 'l'));
      assert.match(learnt.report.baselines, /learnt from /);
      assert.equal(learnt.report.detectors[0]?.blindness.abstained, null);
      const none = await typed(backtest, ...args, '--baselines', path.join(dir, 'l'));
      assert.deepEqual([none.code, /holds no baseline/.test(none.refusal ?? '')], [2, true]);
    });
  });
});
