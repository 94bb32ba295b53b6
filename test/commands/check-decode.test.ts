/** Tests of `check decode`: what becomes of a sample, in every form and for every decoder. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { check } from '../../src/commands/check.ts';
import { ROOT } from '../../src/commands/library.ts';
import { FOUR_WITNESSES } from '../source/formats/four-witnesses.ts';
import { bytesOf, fixtures } from '../source/mapping-fixtures.ts';
import { inFolder, typed } from './typed.ts';

interface Told {
  readonly records: number;
  readonly events: number;
  readonly notLookedAt: number;
  readonly form: string;
  readonly deadLetters: readonly { readonly record: number; readonly reason: string }[];
  readonly levels: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly tiers: Readonly<Record<string, number>>;
  readonly disabled: readonly { readonly stem: string; readonly why: readonly string[] }[];
  readonly unsure: readonly { readonly stem: string }[];
  readonly shown: readonly {
    readonly accounts: readonly {
      readonly found: readonly { readonly field: string; readonly at: string }[];
      readonly missing: readonly { readonly field: string }[];
      readonly unread: readonly string[];
    }[];
  }[];
}

const MAPPING = `format: acme/1
when: { /op: { exists: true } }
kind: gateway
category: tool_call
time: { from: /ts, as: unix_ms }
agent: { basis: self, from: /who }
session: { from: /run }
action:
  tool: /op
  args: { from: /with, as: json }
  decision: { from: /ok, map: { 'true': allow, 'false': deny } }
`;
const LINE = { ts: 1_799_999_990_000, who: 'clerk', run: 's-1', op: 'read', ok: true, host: 'h-1' };

async function decoded(sample: string | Buffer, ...args: string[]) {
  let made: (Awaited<ReturnType<typeof typed>> & { readonly told: Told }) | null = null;
  await inFolder(async (dir) => {
    const file = join(dir, 'sample');
    await writeFile(file, sample);
    // Three detectors are enough to be asked, and read faster than eighty.
    for (const stem of ['secrets-in-arguments', 'unsigned-action', 'identity-mismatch'])
      await cp(join(ROOT, `detectors/scope/${stem}.yaml`), join(dir, `scope/${stem}.yaml`));
    await mkdir(join(dir, 'maps'));
    await writeFile(join(dir, 'maps/acme.yaml'), MAPPING);
    const config = join(dir, 'plumbline.yaml');
    const source = '{ name: acme, topic: acme, decoder: acme/1, trust: gateway, kinds: [gateway] }';
    await writeFile(
      config,
      `kafka: { brokers: ['127.0.0.1:1'] }\nmappings: { dir: '${dir}/maps' }\ndetectors: { dir: '${dir}' }\nsources: [${source}]\n`,
    );
    const ran = await typed(check, 'decode', '--config', config, '--sample', file, ...args);
    made = { ...ran, told: ran.json as Told };
  });
  assert.ok(made !== null);
  return made as Awaited<ReturnType<typeof typed>> & { readonly told: Told };
}

describe('a sample', () => {
  it('is told field by field: where each came from, what is missing, what nothing reads', async () => {
    const { code, told, text } = await decoded(JSON.stringify(LINE), '--source', 'acme');
    assert.equal(code, 0, text);
    const [account] = told.shown[0]?.accounts ?? [];
    const places = Object.fromEntries(account?.found.map(({ field, at }) => [field, at]) ?? []);
    assert.deepEqual(
      [places['action.tool'], places['agent.self'], places['time'], places['action.decision']],
      ['/op', '/who', '/ts', '/ok'],
    );
    assert.deepEqual(
      account?.missing.map(({ field }) => field),
      ['action.args'],
    );
    assert.deepEqual(account?.unread, ['/host']);
    assert.match(text, /action\.tool +from \/op/);
    assert.match(text, /missing action\.args: looked at \/with/);
  });

  it('says the level it reaches and which detectors that leaves out, with the reason', async () => {
    const { told, text } = await decoded(JSON.stringify(LINE), '--source', 'acme');
    assert.deepEqual([told.levels, told.tiers], [{ gateway: { L0: 1 } }, { 1: 1 }]);
    const why = told.disabled.find(({ stem }) => stem === 'secrets-in-arguments')?.why.join();
    assert.match(why ?? '', /needs L2 \(arguments and mandates\); these records reach L0/);
    assert.match(text, /secrets-in-arguments +needs L2/);
    const full = await decoded(
      JSON.stringify({ ...LINE, with: '{"id":"7"}' }),
      ...['--source', 'acme'],
    );
    assert.deepEqual(full.told.levels, { gateway: { L2: 1 } });
    assert.ok(!full.told.disabled.some(({ stem }) => stem === 'secrets-in-arguments'));
  });

  it('says whose word identities are: a detector may ask for more than a name', async () => {
    const { told } = await decoded(JSON.stringify(LINE), '--source', 'acme');
    assert.ok(told.unsure.some(({ stem }) => stem === 'identity-mismatch'));
  });

  it('says which fields rules ask for that no record has', async () => {
    const { told } = await decoded(JSON.stringify(LINE), '--source', 'acme');
    const why = told.disabled.find(({ stem }) => stem === 'unsigned-action')?.why.join();
    assert.match(why ?? '', /asks for action\.signature; no record has it/);
  });

  it('ends with 1 where any record goes to the dead letters, and names it', async () => {
    const lines = [LINE, { ...LINE, ts: 'yesterday' }, LINE].map((one) => JSON.stringify(one));
    const { code, told, text } = await decoded(
      lines.join('\n'),
      '--source',
      'acme',
      '--limit',
      '0',
    );
    assert.equal(code, 1);
    assert.equal(told.form, 'JSON lines');
    assert.deepEqual(
      told.deadLetters.map(({ record, reason }) => [record, reason]),
      [[2, 'time-invalid']],
    );
    assert.match(text, /record 2: dead letter time-invalid/);
  });

  it('may be an array of records, where its decoder does not read arrays', async () => {
    const { told } = await decoded(JSON.stringify([LINE, LINE]), '--source', 'acme');
    assert.deepEqual([told.form, told.records], ['JSON array', 2]);
    const one = await decoded('[{"decision_id":"d","path":"p"}]', '--format', 'opa/1');
    assert.deepEqual([one.told.form, one.told.records], ['JSON array', 1]);
  });

  it('may be one protobuf record, or what is no record at all', async () => {
    const [first] = FOUR_WITNESSES;
    const { code, told } = await decoded(
      first?.value ?? '',
      ...['--format', 'otlp-traces/1', '--trust', 'agent'],
    );
    assert.deepEqual([code, told.form, told.events], [0, 'one record', 1]);
    assert.ok(told.shown[0]?.accounts[0]?.found.some(({ at }) => at === 'gen_ai.tool.name'));
    const none = await decoded(Buffer.from([1, 2, 3]), '--format', 'otlp-traces/1');
    assert.equal(none.code, 1);
  });

  it('is bounded: records that are decoded, fields that are shown', async () => {
    const many = `${JSON.stringify(LINE)}\n`.repeat(10_050);
    const { told, text } = await decoded(many, '--source', 'acme');
    assert.deepEqual([told.records, told.notLookedAt], [10_000, 50]);
    assert.ok(text.length < 60_000, `${text.length}`);
  });

  it('cannot write to the terminal by what it holds', async () => {
    const evil = '\u001b[2J\u202e\u0007\nspoofed: fine';
    const record = JSON.stringify({ ...LINE, who: evil, op: evil, run: evil, [evil]: 1 });
    const { text } = await decoded(record, '--source', 'acme');
    for (const raw of ['\u001b', '\u202e', '\u0007']) assert.ok(!text.includes(raw));
    assert.ok(!text.split('\n').some((line) => line.startsWith('spoofed')));
  });
});

describe('what cannot be meant', () => {
  it('is refused with what there is', async () => {
    const refusals: [string[], RegExp][] = [
      [['--source', 'nobody'], /no source "nobody"; there are: acme/],
      [['--format', 'acme/9'], /unknown decoder acme\/9; known: .*acme\/1/],
      [[], /takes --format NAME\/VERSION, or --source NAME/],
      [['--format', 'acme/1', '--source', 'acme'], /takes --format NAME\/VERSION, or --source/],
    ];
    for (const [args, says] of refusals) {
      const { code, refusal } = await decoded('{}', ...args);
      assert.equal(code, 2);
      assert.match(refusal ?? '', says);
    }
    const { refusal } = await typed(check, '--sample', 'x');
    assert.match(refusal ?? '', /--sample is an option of check decode/);
  });
});

describe('the ten minutes of docs/formats.md', () => {
  it('end with a record that is read whole, as the page says', async () => {
    const page = await readFile(join(ROOT, 'docs/formats.md'), 'utf8');
    const walk = page.slice(page.indexOf('## A format of your own'));
    const blocks = [...walk.matchAll(/```(json|yaml)\n([\s\S]*?)```/g)].map(([, , text]) =>
      (text ?? '').replace(/^ {3}/gm, ''),
    );
    const [record = '', mapping = '', sources = ''] = blocks;
    await inFolder(async (dir) => {
      await mkdir(join(dir, 'maps'));
      await writeFile(join(dir, 'maps/acme.yaml'), mapping);
      await writeFile(join(dir, 'sample.jsonl'), record);
      const config = join(dir, 'plumbline.yaml');
      const own = sources.replace('dir: maps', `dir: '${dir}/maps'`);
      await writeFile(config, own);
      const { code, json, text } = await typed(
        check,
        ...['decode', '--config', config, '--source', 'acme'],
        ...['--sample', join(dir, 'sample.jsonl')],
      );
      assert.equal(code, 0, text);
      const { shown, levels } = json as Told;
      assert.deepEqual(levels, { gateway: { L2: 1 } });
      assert.deepEqual(
        shown[0]?.accounts.map(({ missing, unread }) => [missing, unread]),
        [[[], []]],
      );
    });
  });
});

describe('every preset', () => {
  it('tells of its own fixtures without a word too many or a fault', async () => {
    for (const [format, cases] of await fixtures()) {
      const [first] = cases.filter(({ source, headers }) => source === undefined && !headers);
      const { told, text } = await decoded(bytesOf(first ?? {}), '--format', format);
      assert.ok(told.events > 0, `${format}: ${text}`);
      assert.ok((told.shown[0]?.accounts.length ?? 0) > 0, `${format} tells nothing`);
    }
  });
});
