/** Replay: what an OpenTelemetry pipeline recorded, from its bytes to the findings it deserves. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dispatch } from '../../src/commands/dispatch.ts';
import { inTemporaryFolder } from '../../src/commands/evaluate-fleet.ts';
import { attributes, logs, span, traces } from '../source/formats/otlp-requests.ts';

const START_MS = 1_790_000_000_000;
const CONFIG = `
jsonl: { path: . }
sources:
  - { name: spans, topic: otlp_spans, decoder: otlp-traces/1, trust: agent, kinds: [reasoning] }
  - { name: servers, topic: mcp_spans, decoder: otlp-traces/1, trust: gateway, kinds: [gateway] }
  - { name: gateway, topic: gw_logs, decoder: otlp-logs/1, trust: gateway, kinds: [gateway] }
`;

/** A minute of one agent: it asks its model, which states a call; the call is seen by four. */
interface Minute {
  /** What the model states; null: it states no call, and one is made all the same. */
  readonly stated: object | null;
  /** What the server got. */
  readonly got: object;
}

const id = (n: number, length: number) => n.toString(16).padStart(length, '0');

function recordsOf({ stated, got }: Minute, at: number): Readonly<Record<string, object>> {
  const traceId = id(at + 1, 32);
  const spanOf = (n: number) => id(16 * (at + 1) + n, 16);
  const ns = (ms: number) => `${START_MS + at * 60_000 + ms}000000`;
  const made = (n: number, ms: number, more: object) =>
    span({
      ...{ traceId, spanId: spanOf(n) },
      ...{ startTimeUnixNano: ns(ms), endTimeUnixNano: ns(ms + 50 - n) },
      ...more,
    });
  const call = { type: 'tool_call', id: `c-${at}`, name: 'orders.get', arguments: stated };
  const answer = [{ role: 'assistant', parts: stated === null ? [] : [call] }];
  const mcp = {
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'orders.get',
    'jsonrpc.request.id': '1',
  };
  const ownSpans = [
    made(1, 0, {
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.conversation.id': `conv-${at}`,
        'gen_ai.agent.name': 'billing',
        'gen_ai.output.messages': JSON.stringify(answer),
      },
    }),
    made(2, 1000, {
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'orders.get',
        'gen_ai.tool.call.id': `c-${at}`,
      },
    }),
    made(3, 1010, { kind: 3, parentSpanId: spanOf(2), attributes: mcp }),
  ];
  const served = made(4, 1020, {
    kind: 2,
    parentSpanId: spanOf(3),
    attributes: { ...mcp, 'gen_ai.tool.call.arguments': JSON.stringify(got) },
  });
  const line = {
    timeUnixNano: ns(1015),
    ...{ traceId, spanId: spanOf(5) },
    attributes: attributes({
      ...{ 'mcp.method.name': 'tools/call', 'mcp.target': 'orders' },
      ...{ 'gen_ai.tool.name': 'orders.get', reason: 'Upstream' },
    }),
  };
  return {
    otlp_spans: traces(stated === null ? ownSpans.slice(0, 1) : ownSpans),
    mcp_spans: traces([served], { 'service.name': 'orders' }),
    gw_logs: logs([line], { 'service.name': 'agentgateway' }),
  };
}

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
    const records = minutes.map(recordsOf);
    for (const topic of ['otlp_spans', 'mcp_spans', 'gw_logs']) {
      const lines = records.map((one) => `${JSON.stringify(one[topic])}\n`);
      await writeFile(`${dir}/${topic}.jsonl`, lines.join(''));
    }
    await writeFile(`${dir}/plumbline.yaml`, CONFIG);
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
