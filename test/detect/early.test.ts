/** Early rules: which detectors may be, and what anybody is told who asks it of another. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import { createEarlyDetect } from '../../src/detect/early.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { RuleFilter } from '../../src/model/sigma.ts';

const FOLDER = join(import.meta.dirname, '../../detectors');
type Change = readonly [from: string, to: string];

/** Reads a shipped detector with some text replaced. */
function read(file: string, changes: readonly Change[] = []) {
  let text = readFileSync(join(FOLDER, file), 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${file} has no ${from}`);
    text = text.replace(from, to);
  }
  const documents = parseYaml(file, text).file.documents.map(({ value, lineOf }) => {
    return { file, document: value, lineOf };
  });
  return readDetectorFile(documents, KINDS_OF_ANALYTIC);
}

/** What somebody is told who makes it early. */
function refusal(file: string, changes: readonly Change[] = []): string {
  const { detector, problems } = read(file, [
    ['\n  maturity:', '\n  emit: early\n  maturity:'],
    ...changes,
  ]);
  assert.equal(detector, null, file);
  assert.equal(problems.length, 1);
  const [{ line, key, message } = {}] = problems;
  assert.equal(key, 'plumbline.emit');
  assert.ok(Number.isInteger(line), 'says where');
  assert.match(message ?? '', /write `emit: final`, or leave the line out/);
  return message ?? '';
}

const UNSIGNED = 'scope/unsigned-action.yaml';

describe('early rules', () => {
  it('are those that one event decides: all that are shipped as such load', () => {
    for (const file of [UNSIGNED, 'scope/window-misuse.yaml', 'scope/self-approval.yaml']) {
      const { detector, problems } = read(file);
      assert.deepEqual(problems, []);
      assert.equal(detector?.emit, 'early');
    }
    assert.equal(read('scope/blast-radius.yaml').detector?.emit, 'final', 'where nothing is said');
  });

  it('have the version they had: what is looked for is the same', () => {
    const early = read(UNSIGNED).detector?.version;
    assert.equal(read(UNSIGNED, [['emit: early', 'emit: final']]).detector?.version, early);
    assert.equal(read(UNSIGNED, [['  emit: early\n', '']]).detector?.version, early);
  });

  it('are refused with the reason where more than the event decides', () => {
    assert.match(
      refusal('scope/blast-radius.yaml'),
      /`ref\.window\.open` is known from other events/,
    );
    assert.match(
      refusal('intent/near-miss-tool.yaml'),
      /`ref\.tool\.nearMiss` is known from other/,
    );
    assert.match(refusal('scope/undocumented-delegation.yaml'), /a correlation waits for others/);
    assert.match(refusal('volume/call-burst.yaml'), /the kind `rate` looks at more than one/);
    assert.match(refusal('scope/secrets-in-arguments.yaml'), /the kind `content` looks at more/);
  });

  it('are refused where nothing would come of being early', () => {
    const early: Change = ['  emit: early\n', ''];
    assert.match(
      refusal(UNSIGNED, [early, ['evidence_class: hard', 'evidence_class: statistical']]),
      /only hard evidence acts/,
    );
    assert.match(refusal('scope/self-enforced-policy.yaml'), /asks for no response/);
    assert.match(
      refusal(UNSIGNED, [early, ['action: revoke_session', 'action: escalate']]),
      /counts from what stands when the event is folded/,
    );
  });

  it('find no field that another field is compared with, where that one is known from elsewhere', () => {
    const compared: Change = [
      'governance.actor|fieldref: agent.id',
      'governance.actor|fieldref: ref.agent.role',
    ];
    assert.match(
      refusal('scope/window-misuse.yaml', [['  emit: early\n', ''], compared]),
      /`ref\.agent\.role` is known from other events/,
    );
  });

  it('wait for the fold where somebody put a filter on them that asks for more', () => {
    const { detector } = read(UNSIGNED);
    assert.ok(detector?.sigma != null);
    const byStem = (one: Detector) => new Map([[one.stem, one]]);
    assert.ok(createEarlyDetect(byStem(detector), EMPTY_INVENTORY)?.wants('gateway'));
    assert.equal(createEarlyDetect(byStem(detector), EMPTY_INVENTORY)?.wants('metrics'), false);
    const filter: RuleFilter = {
      ...{ title: 'a roll-out', selections: [], expiresMs: Number.MAX_SAFE_INTEGER },
      condition: {
        ...{ type: 'match', field: 'ref.window.open' },
        ...{ test: { type: 'number', value: 1 }, wrote: { key: '', value: '' } },
      },
    };
    const rules = detector.sigma.rules.map((rule) => ({ ...rule, filters: [filter] }));
    const filtered = { ...detector, sigma: { ...detector.sigma, rules } };
    assert.equal(createEarlyDetect(byStem(filtered), EMPTY_INVENTORY), null);
  });
});
