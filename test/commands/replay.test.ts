/** Replay: what an OpenTelemetry pipeline recorded, from its bytes to the findings it deserves. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toYaml } from '../../src/adapters/files.ts';
import { dispatch } from '../../src/commands/dispatch.ts';
import { inTemporaryFolder } from '../../src/commands/evaluate-fleet.ts';
import type { WireEvent } from '../../src/model/event.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import {
  MINUTE_SOURCES,
  MINUTE_TOPICS,
  type Minute,
  minuteInJson,
} from '../source/formats/otlp-minutes.ts';

const START_MS = 1_790_000_000_000;

/** Session, agent and detectors of each session that a replay of `minutes` gives. */
async function replayed(minutes: readonly Minute[], governance: readonly WireEvent[] = []) {
  return inTemporaryFolder(async (dir) => {
    const records = minutes.map((one, at) => minuteInJson(one, at, START_MS + at * 60_000));
    const write = (topic: string, lines: readonly string[]) =>
      writeFile(`${dir}/${topic}.jsonl`, lines.map((line) => `${line}\n`).join(''));
    for (const topic of MINUTE_TOPICS)
      await write(
        topic,
        records.map((one) => JSON.stringify(one[topic])),
      );
    await write('governance', governance.map(encodeEvent));
    const hr = { name: 'hr', topic: 'governance', decoder: 'canonical', trust: 'platform' };
    const known = governance.length === 0 ? [] : [{ ...hr, kinds: ['governance'] }];
    const config = { jsonl: { path: '.' }, sources: [...MINUTE_SOURCES, ...known] };
    await writeFile(`${dir}/plumbline.yaml`, toYaml(config));
    const out = `${dir}/out.lines`;
    const args = ['replay', '--quiet', '--score', dir, '--out', out];
    const code = await dispatch([...args, '--config', `${dir}/plumbline.yaml`], {
      environment: {},
      signal: new AbortController().signal,
      stdout: () => undefined,
      stderr: (text) => assert.fail(text),
    });
    assert.equal(code, 0);
    const sessions = (await readFile(out, 'utf8')).trimEnd().split('\n');
    return sessions.map((line) => {
      const { session_id: session, agent_id: agent, findings } = JSON.parse(line);
      return [session, agent, findings.map((one: { detector: string }) => one.detector)];
    });
  });
}

const honest = (n: number): Minute => ({ stated: { id: n }, got: { id: n } });

test('finds in an OTLP recording what was not stated, and what was stated otherwise; once each', async () => {
  const otherwise = { stated: { id: 2 }, got: { id: 99 } };
  const unstated = { stated: null, got: { id: 4 } };
  const minutes = [honest(0), honest(1), otherwise, honest(3), unstated, honest(5)];
  assert.deepEqual(await replayed(minutes), [
    ['conv-0', 'billing', []],
    ['conv-1', 'billing', []],
    ['conv-2', 'billing', ['argument-mismatch']],
    ['conv-3', 'billing', []],
    ['conv-4', 'billing', ['unstated-action']],
    ['conv-5', 'billing', []],
  ]);
});

test('finds what was never granted by what a server did, though it tells no decision; once an act', async () => {
  const granted = (tool: string): WireEvent[] => {
    const at = { time: { eventNs: `${START_MS - 60_000}000000` }, agent: { id: 'billing' } };
    const tools = [{ tool, class: 'read' as const }];
    return [
      { ...at, kind: 'governance', category: 'agent', governance: { change: 'agent.registered' } },
      {
        ...{ ...at, kind: 'governance', category: 'grant' },
        governance: { change: 'tools.granted', detail: { tools } },
      },
    ];
  };
  assert.deepEqual(await replayed([honest(0)], granted('orders.get')), [['conv-0', 'billing', []]]);
  assert.deepEqual(await replayed([honest(0)], granted('invoices.get')), [
    ['conv-0', 'billing', ['ungranted-action']],
  ]);
});
