/** `reconstruct`: who an agent was, what it might do, did, and what was done about it. */
import { systemClock } from '../adapters/clock.ts';
import { readAgentAt } from '../record/agent-at.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { momentOf } from './moment.ts';
import { withStore } from './reading.ts';
import { reconstructText } from './reconstruct-text.ts';

/** The command. */
export const reconstruct: Command = {
  name: 'reconstruct',
  synopsis: 'reconstruct AGENT [--at TIME] [--tenant T]',
  summary:
    'tell who an agent was at a moment, on whose behalf, what it might do, and what was done',
  options: { at: 'value', tenant: 'value' },
  words: 1,
  run: async (given, { output, environment }) => {
    const [agent] = given.words;
    if (agent === undefined) throw usage('name the agent as its events name it');
    const nowMs = systemClock.nowMs();
    const at = given.value('at');
    const atMs = at === undefined ? nowMs : momentOf(at, 'at', nowMs);
    const tenant = given.value('tenant') ?? null;
    const found = await withStore(given, environment, (db) =>
      readAgentAt(db, { agent, tenant, atMs }),
    );
    output.json(found);
    for (const line of reconstructText(found)) output.line(line);
    return 0;
  },
};
