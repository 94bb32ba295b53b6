/** The signal store in memory keeps the promises of every signal store. */
import { createMemorySignalStore } from '../act/memory-signal-store.ts';
import { signalStoreContract } from './signal-store.ts';

signalStoreContract(async () => ({
  store: createMemorySignalStore(),
  close: async () => undefined,
}));
