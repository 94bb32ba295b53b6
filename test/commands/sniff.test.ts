/** Sniffing: what is read in a folder, with and without a configuration. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Library } from '../../src/commands/library.ts';
import { sourcesIn } from '../../src/commands/sniff.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import { shippedLibrary } from '../sim/library.ts';

const RECORDED = {
  ts: '2026-03-02T00:00:00Z',
  agent_id: 'a',
  session_id: 's',
  seq: 1,
  call_id: 'c1',
  tool: 'read_file',
  args: { path: 'x' },
  decision: 'allow',
  outcome: 'ok',
};

const configured = (topic: string): SourceConfig => ({
  name: 'mine',
  topic,
  decoder: 'canonical',
  trust: 'gateway',
  kinds: ['gateway'],
  lateness: '7s',
});

describe('sources of a folder', () => {
  let dir = '';
  let library: Library;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'plumbline-sniff-'));
    await writeFile(join(dir, 'gateway.jsonl'), `${JSON.stringify(RECORDED)}\n`);
    library = await shippedLibrary();
  });
  after(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  const found = async (config: { sources: SourceConfig[] } | null) =>
    (await sourcesIn(dir, library, config)).map(({ name, topic, decoder, lateness }) => [
      name,
      topic,
      decoder,
      lateness,
    ]);

  it('without a configuration: the streams that are there, in the format they are in', async () => {
    assert.deepEqual(await found(null), [['gateway', 'gateway', 'recorded-runs/1', undefined]]);
  });

  it('a configured source keeps its settings; its decoder gives way to one that can read', async () => {
    const config = { sources: [configured('gateway'), configured('elsewhere')] };
    assert.deepEqual(await found(config), [['mine', 'gateway', 'recorded-runs/1', '7s']]);
  });

  it('a configuration for topics that are not in the folder does not hide what is', async () => {
    const config = { sources: [configured('prod-gateway')] };
    assert.deepEqual(await found(config), [['gateway', 'gateway', 'recorded-runs/1', undefined]]);
  });

  it('a folder with none of the four is refused, with what was looked for', async () => {
    const empty = join(dir, 'empty');
    await mkdir(empty);
    await assert.rejects(sourcesIn(empty, library, null), /holds none of governance\.jsonl/);
  });

  it('a folder that is not there is named as such', async () => {
    await assert.rejects(
      sourcesIn(join(dir, 'nowhere'), library, null),
      /nowhere: there is no such folder/,
    );
  });
});
