/** Reading: opens the store for a command that only looks, and closes it again. */
import { createLog } from '../adapters/log.ts';
import type { Database } from '../model/ports.ts';
import type { Given } from './arguments.ts';
import type { Environment } from './config.ts';
import { configOf } from './inputs.ts';
import { openStore } from './store.ts';

/**
 * Runs `work` on the configured store. Without a configuration or DATABASE_URL that is the embedded
 * one in this folder, which keeps running if a daemon uses it.
 */
export async function withStore<T>(
  given: Given,
  environment: Environment,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const { config } = await configOf(given);
  const log = createLog('error', 'plumbline');
  // Whether a daemon uses the embedded server cannot be told from here: it is left as it is.
  const store = await openStore(config, environment, log, { stopEmbedded: false, poolMax: 2 });
  try {
    return await work(store.db);
  } finally {
    await store.close();
  }
}
