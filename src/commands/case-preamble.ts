/** The named preamble of detector cases: a small fleet at sound work (detectors/README.md). */

/** An event as written: fields of the wire form, and the shorthand of detectors/README.md. */
export type Written = Readonly<Record<string, unknown>>;

const TOOLS = [
  { tool: 'read_record', class: 'read', tier: 'autonomous' },
  { tool: 'write_record', class: 'write', tier: 'autonomous' },
  { tool: 'send_message', class: 'communicate', tier: 'pre-approved' },
  { tool: 'delete_record', class: 'write', tier: 'human-in-the-loop' },
];

/** What both of them were asked to do. */
const MANDATE = 'File the records of the day';

/** One turn of the colleague: stated, called, measured. It proves that every source is alive. */
function turn(at: string, after: string, seq: number): Written[] {
  const call = `colleague-${seq}`;
  const args = { id: `r-${seq}` };
  const who = { agent: 'agent-2', session: 's-2' };
  const metric = { name: 'agent.turn.tokens', value: 900 };
  return [
    { at, ...who, seq, states: { call, tool: 'read_record', args }, tokens: 700 },
    { at: after, ...who, seq: seq + 1, call, calls: { tool: 'read_record', args } },
    { at: after, ...who, measures: metric },
  ];
}

/** `fleet`: two agents, their grants, a colleague's session around the case, and session s-1. */
export const FLEET: readonly Written[] = [
  { at: '-10m', agent: 'agent-1', session: 'none', registers: 'clerk' },
  { at: '-10m', agent: 'agent-1', session: 'none', grants: TOOLS },
  { at: '-10m', agent: 'agent-2', session: 'none', registers: 'clerk' },
  { at: '-10m', agent: 'agent-2', session: 'none', grants: TOOLS },
  { at: '-9m', agent: 'agent-2', session: 's-2', opens: { role: 'clerk', mandate: MANDATE } },
  ...turn('-8m', '-7.9m', 1),
  { at: '-1s', opens: { role: 'clerk', mandate: MANDATE } },
  ...turn('+30m', '+30.1m', 3),
  { at: '+31m', agent: 'agent-2', session: 's-2', closes: true },
];
