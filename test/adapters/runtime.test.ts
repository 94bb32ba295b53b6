/** The runtime as it is set up for a process that runs for long: collections are counted in a child. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const RUNTIME = new URL('../../src/adapters/runtime.ts', import.meta.url).href;

/** Major collections while 25 MiB of buffers at a time are held beside a heap of some 70 MiB. */
function majorsOf(setUp: string): number {
  const program = `
    import { PerformanceObserver } from 'node:perf_hooks';
    import { countBuffersAsHeap } from '${RUNTIME}';
    ${setUp}
    const kept = [];
    for (let at = 0; at < 500_000; at += 1) kept.push({ at, list: [at] });
    let majors = 0;
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) majors += 1;
    });
    observer.observe({ entryTypes: ['gc'] });
    const held = [];
    for (let at = 0; at < 12_000; at += 1) {
      held[at % 400] = Buffer.allocUnsafeSlow(64 * 1024);
      for (let of = 0; of < 50; of += 1) kept[of] = { at: of, list: [at, of] };
      if (at % 400 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.stdout.write(String(majors) + ' ' + kept.length + ' ' + held.length);
  `;
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  return Number(text.split(' ')[0]);
}

describe('buffers that come and go beside a large heap', () => {
  it('make the collector mark all of it every 64 MiB, unless they are counted as heap', () => {
    const usual = majorsOf('void countBuffersAsHeap;');
    const counted = majorsOf('countBuffersAsHeap();');
    assert.ok(usual >= 5, `${usual} major collections as it is by itself`);
    assert.ok(counted * 3 <= usual, `${counted} where buffers count as heap, ${usual} otherwise`);
  });
});

/** What V8 says of flags it does not know. */
function complaintOf(setUp: string): string {
  const program = `
    import { setFlagsFromString } from 'node:v8';
    import { countBuffersAsHeap, letHeapGrow } from '${RUNTIME}';
    ${setUp}
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    .stderr;
}

describe('flags that are set while the process runs', () => {
  it('are known to this V8', () => {
    assert.match(complaintOf("setFlagsFromString('--no-such-flag=1');"), /no-such-flag/);
    assert.equal(complaintOf('countBuffersAsHeap(); letHeapGrow();'), '');
  });
});
