/** Records of the mappings we ship, by the name of the format: where fuzzing begins. */

const head = { ts: '2026-04-02T10:00:00.250Z', agent_id: 'desk-1', session_id: 'run-9' };

const records = (...of: readonly object[]) => of.map((one) => Buffer.from(JSON.stringify(one)));

/** At least one record for each document of each mapping. */
export const MAPPED: Readonly<Record<string, readonly Buffer[]>> = {
  'recorded-runs/1': records(
    { ...head, type: 'tools.granted', tools: [{ tool: 'page.open', class: 'read' }] },
    { ...head, type: 'session.opened', role: 'desk', mandate: 'Book the blue room.' },
    { ...head, seq: 2, text: 'Now.', tool_calls: [{ call_id: 'c2', tool: 'x', args: { a: 1 } }] },
    { ...head, seq: 3, call_id: 'c2', tool: 'x', args: {}, decision: 'deny', outcome: 'error' },
    { ...head, llm_steps: 2, tokens_est: 1, duration_ms: 5 },
  ),
};
