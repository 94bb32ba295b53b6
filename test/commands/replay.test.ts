/** Replay: what an OpenTelemetry pipeline recorded, from its bytes to the findings it deserves. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toYaml } from '../../src/adapters/files.ts';
import { dispatch } from '../../src/commands/dispatch.ts';
import { inTemporaryFolder } from '../../src/commands/evaluate-fleet.ts';
import {
  MINUTE_SOURCES,
  MINUTE_TOPICS,
  type Minute,
  minuteInJson,
} from '../source/formats/otlp-minutes.ts';

const START_MS = 1_790_000_000_000;

test('finds in an OTLP recording what was not stated, and what was stated otherwise; once each', async () => {
  const honest = (n: number): Minute => ({ stated: { id: n }, got: { id: n } });
  const minutes = [
    honest(0),
    honest(1),
    { stated: { id: 2 }, got: { id: 99 } },
    honest(3),
    { stated: null, got: { id: 4 } },
    honest(5),
  ];
  await inTemporaryFolder(async (dir) => {
    const records = minutes.map((one, at) => minuteInJson(one, at, START_MS + at * 60_000));
    for (const topic of MINUTE_TOPICS) {
      const lines = records.map((one) => `${JSON.stringify(one[topic])}\n`);
      await writeFile(`${dir}/${topic}.jsonl`, lines.join(''));
    }
    const config = { jsonl: { path: '.' }, sources: MINUTE_SOURCES };
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
    const sessions = (await readFile(out, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      sessions.map(({ session_id: session, agent_id: agent, findings }) => [
        session,
        agent,
        findings.map((one: { detector: string }) => one.detector),
      ]),
      [
        ['conv-0', 'billing', []],
        ['conv-1', 'billing', []],
        ['conv-2', 'billing', ['argument-mismatch']],
        ['conv-3', 'billing', []],
        ['conv-4', 'billing', ['unstated-action']],
        ['conv-5', 'billing', []],
      ],
    );
  });
});
