/** Seeds of property tests: fresh in every run, printed so that a failure can be repeated. */
import type { TestContext } from 'node:test';

/** A seed for fast-check, shown beside the test's name. Replace it by the one that failed. */
export function seedOf(t: TestContext): number {
  const seed = Date.now() % 0x7fff_ffff;
  t.diagnostic(`seed ${seed}`);
  return seed;
}
