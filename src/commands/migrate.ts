/** `migrate`: brings a database that you run to this version's schema. */
import { createLog } from '../adapters/log.ts';
import type { Command } from './command.ts';
import { configOf } from './inputs.ts';
import { openStore } from './store.ts';

/** The command. */
export const migrateCommand: Command = {
  name: 'migrate',
  synopsis: 'migrate [--config FILE]',
  summary: 'create or update the tables of a database that you run yourself',
  options: {},
  run: async (given, { output, environment }) => {
    const { config } = await configOf(given);
    const log = createLog('warn', 'migrate');
    const store = await openStore(config, environment, log, { stopEmbedded: true, migrate: true });
    await store.close();
    output.line(`${store.provider}: the schema is current`);
    output.json({ provider: store.provider, current: true });
    return 0;
  },
};
