/** `lint`: a sound detector passes, and every rule finds its mistake at its line. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { lint } from '../../src/commands/lint.ts';
import type { LintFinding } from '../../src/commands/lint-file.ts';
import { inFolder, typed } from './typed.ts';

const PROSE =
  'Sixteen words at least are wanted here so that a person who is woken at night understands this.';

const SOUND = `title: A tool that nobody uses was called
id: 0b7e6f0e-3f2a-4f0a-9a50-1d2f3c4b5a60
name: odd_tool
taxonomy: plumbline
status: experimental
date: 2026-01-05
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  odd: { action.tool: odd_tool }
  condition: odd
falsepositives:
  - Somebody was told to use it.
level: low
tags: [owasp-asi.asi02]
plumbline:
  format: 1
  maturity: alert
  evidence_class: hard
  needs: { sources: [gateway], evidence: L0 }
  entity: [agent.id, session.id]
  why: ${PROSE}
  misses: ${PROSE}
  triage: ${PROSE}
`;
const oneCase = (name: string, fires: boolean) =>
  `- { name: ${name}, why: because, given: [{ at: +5s, calls: { tool: odd_tool } }], expect: [${fires ? '{ detector: odd-tool }' : ''}] }\n`;
const TEN = [0, 1, 2, 3, 4].map((n) => oneCase(`f${n}`, true) + oneCase(`s${n}`, false)).join('');

interface Linted {
  readonly code: number;
  readonly findings: readonly LintFinding[];
}

async function linted(dir: string, detector: string, cases: string | null = TEN): Promise<Linted> {
  await mkdir(path.join(dir, 'scope'), { recursive: true });
  await writeFile(path.join(dir, 'scope', 'odd-tool.yaml'), detector);
  if (cases !== null) await writeFile(path.join(dir, 'scope', 'odd-tool.test.yaml'), cases);
  const { code, json, refusal } = await typed(lint, dir);
  assert.equal(refusal, null);
  return { code, findings: (json as { findings: LintFinding[] }).findings };
}

/** Rule, severity and line of each finding. */
const said = ({ findings }: Linted) =>
  findings.map(({ rule, severity, line }) => `${rule} ${severity} ${line}`);

async function finds(
  expected: string,
  message: RegExp,
  detector: string,
  cases: string | null = TEN,
): Promise<void> {
  await inFolder(async (dir) => {
    const result = await linted(dir, detector, cases);
    assert.deepEqual(said(result), [expected], JSON.stringify(result.findings));
    assert.match(result.findings[0]?.message ?? '', message);
    assert.equal(result.code, expected.includes(' error ') ? 1 : 0);
  });
}

describe('lint', () => {
  it('has nothing to say of a sound detector', async () => {
    await inFolder(async (dir) => {
      assert.deepEqual(await linted(dir, SOUND), { code: 0, findings: [] });
    });
  });

  it('says what check says, with its line', async () => {
    const wrong = SOUND.replace('level: low', 'level: lowish');
    await finds('invalid error 13', /level: must be one of/, wrong);
  });

  it('refuses placeholders and prose that helps nobody', async () => {
    await finds(
      'placeholder error 1',
      /still to be written: title: TODO find a name/,
      SOUND.replace('title: A tool that nobody uses was called', 'title: TODO find a name'),
    );
    const short = SOUND.replace(`misses: ${PROSE}`, 'misses: Nothing much.');
    await finds('prose-short error 22', /misses has 2 words: say when it stays silent/, short);
    const reason = SOUND.replace('Somebody was told to use it.', 'None known');
    await finds('prose-short error 12', /"None known" helps nobody/, reason);
  });

  it('wants five cases of each sort where somebody is alerted, and warns in shadow', async () => {
    const few = TEN.split('\n').slice(2).join('\n');
    await inFolder(async (dir) => {
      const result = await linted(dir, SOUND, few);
      assert.deepEqual(said(result), ['cases-few error null', 'cases-few error null']);
      const shadow = SOUND.replace('maturity: alert', 'maturity: shadow');
      const warned = await linted(dir, shadow, few);
      assert.deepEqual(said(warned), ['cases-few warning null', 'cases-few warning null']);
      assert.equal(warned.code, 0);
    });
    await finds('cases-few error null', /has no cases: write odd-tool\.test\.yaml/, SOUND, null);
  });

  it('finds cases that test nothing', async () => {
    const more = (text: string) => `${TEN}${text}\n`;
    await finds(
      'case-empty error 11',
      /"x" has no event/,
      SOUND,
      more('- { name: x, why: y, given: [], expect: [] }'),
    );
    await finds(
      'case-form error 11',
      /second case is called "f0"/,
      SOUND,
      more(oneCase('f0', true)),
    );
    await finds(
      'case-detector error 11',
      /no detector is called "oddtool"/,
      SOUND,
      more('- { name: x, why: y, given: [{ at: +5s }], expect: [{ detector: oddtool }] }'),
    );
    await finds(
      'case-form error 11',
      /does not say why/,
      SOUND,
      more('- { name: x, given: [{ at: +5s }], expect: [] }'),
    );
    // Whoever reads the library does not read cases: here alone a mistake in their YAML is said.
    await inFolder(async (dir) => {
      const { findings } = await linted(dir, SOUND, more('- { name: x, name: y }'));
      const forms = findings.filter(({ rule }) => rule === 'case-form');
      assert.deepEqual(
        forms.map(({ severity, line }) => [severity, line]),
        [['error', 11]],
      );
      assert.match(forms[0]?.message ?? '', /stands twice/);
    });
  });

  it('knows the fields, the books they belong to, and the evidence they need', async () => {
    const fields = (text: string) => SOUND.replace('action.tool: odd_tool', text);
    await finds(
      'field-unknown error 9',
      /action\.tol: .*did you mean action\.tool/,
      fields('action.tol: x'),
    );
    await finds(
      'field-unknown error 9',
      /reasoning\.model: events of gateway/,
      fields('reasoning.model: x'),
    );
    await finds(
      'needs-evidence warning 19',
      /action\.args\.to is there from L2 on: write `evidence: L2`/,
      fields('action.args.to: x'),
    );
    const source = SOUND.replace('sources: [gateway]', 'sources: [metrics]');
    await finds('needs-source error 19', /looks at gateway, and does not need it/, source);
  });

  it('names what other Sigma engines would not understand', async () => {
    const regex = SOUND.replace('action.tool: odd_tool', "action.tool|re: '^\\pL+\\z'");
    await inFolder(async (dir) => {
      const result = await linted(dir, regex);
      assert.deepEqual(said(result), ['not-portable warning 9', 'not-portable warning 9']);
      assert.equal(result.code, 0);
    });
    const correlation = `${SOUND.replace(
      /logsource:.*\ndetection:\n.*\n.*\n/,
      'correlation:\n  type: event_count\n  rules: [one]\n  group-by: [session.id]\n  timespan: 5m\n  condition: { gte: 2, lte: 9 }\n',
    )}---\ntitle: One call\nname: one\nlogsource: { product: ai_agent, service: gateway }\ndetection: { a: { action.tool: x }, condition: a }\n`;
    await finds('not-portable warning 12', /gte and lte together/, correlation);
  });

  it('asks for a date of change, against git', async () => {
    await inFolder(async (dir) => {
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
          cwd: dir,
          stdio: 'pipe',
        });
      await linted(dir, SOUND);
      git('init', '-q');
      git('add', '-A');
      git('commit', '-qm', 'first');
      const edited = SOUND.replace('odd: { action.tool: odd_tool }', 'odd: { action.tool: other }');
      const result = await linted(dir, edited);
      assert.deepEqual(said(result), ['modified-date error 6']);
      const today = new Date().toISOString().slice(0, 10);
      assert.ok(result.findings[0]?.message.includes(`modified: ${today}`));
      const dated = edited.replace('date: 2026-01-05\n', `date: 2026-01-05\nmodified: ${today}\n`);
      assert.deepEqual(said(await linted(dir, dated)), []);
      // Prose may change without a date: what it looks for is the same.
      assert.deepEqual(said(await linted(dir, SOUND.replace('told', 'asked'))), []);
    });
  });

  it('warns of a correlation that asks its base for what that does not group by', async () => {
    const chained = (base: string, outer: string, rest = '') =>
      SOUND.replace(
        /logsource: .*\ndetection:\n.*\n.*\n/,
        `correlation:
  type: value_count
  rules: [burst]
  group-by: [${outer}]
  timespan: 1h
  condition: { field: action.tool, gte: 2 }
${rest}`,
      ).concat(`---
title: A burst of odd tools
name: burst
correlation:
  type: event_count
  rules: [odd]
  group-by: [${base}]
  timespan: 1m
  condition: { gte: 2 }
---
title: An odd tool
name: odd
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  odd: { action.tool: odd_tool }
  condition: odd
`);
    await inFolder(async (dir) => {
      const fine = chained('agent.id, action.tool', 'agent.id');
      assert.deepEqual(said(await linted(dir, fine)), []);
    });
    await finds(
      'base-lacks-field warning 12',
      /^burst does not group by action\.tool: what it fires has only agent\.id, session\.id,/,
      chained('agent.id, session.id', 'agent.id'),
    );
    await finds(
      'base-lacks-field warning 10',
      /^burst does not group by session\.id: .* is never counted here/,
      chained('agent.id, action.tool', 'session.id'),
    );
    const aliased = '  aliases: { who: { burst: session.id } }\n';
    await finds(
      'base-lacks-field warning 10',
      /^burst does not group by session\.id/,
      chained('agent.id, action.tool', 'who', aliased),
    );
  });

  it('says which filters and exceptions have outlived their day', async () => {
    await inFolder(async (dir) => {
      await mkdir(path.join(dir, 'filters'), { recursive: true });
      await writeFile(
        path.join(dir, 'filters', 'f.yaml'),
        [
          'title: Batch agents are left out',
          'logsource: { product: ai_agent, service: gateway }',
          'filter:',
          '  rules: [odd_tool]',
          '  batch: { agent.id: batch-1 }',
          '  condition: batch',
          'plumbline: { expires: 2026-02-01, owner: ann, reason: it is a nightly batch job }',
        ].join('\n'),
      );
      const result = await linted(dir, SOUND);
      assert.deepEqual(
        said(result)
          .map((each) => each.split(' ').slice(0, 1)[0])
          .sort(),
        ['expired', 'filter-without-not'],
      );
      const without = result.findings.find(({ rule }) => rule === 'filter-without-not');
      assert.equal(without?.line, 6);
      assert.match(without?.message ?? '', /not \(?batch/);
    });
  });

  it('lints one file where one is named, and refuses what is not there', async () => {
    await inFolder(async (dir) => {
      await linted(dir, SOUND.replace('level: low', 'level: lowish'));
      const other = SOUND.replace('odd_tool\ntax', 'other_tool\ntax').replace('0b7e', '0b7f');
      const file = path.join(dir, 'scope', 'other-tool.yaml');
      await writeFile(file, other);
      await writeFile(
        path.join(dir, 'scope', 'other-tool.test.yaml'),
        TEN.replaceAll('detector: odd-tool', 'detector: other-tool'),
      );
      const { code, json } = await typed(lint, file);
      assert.deepEqual([code, (json as { findings: unknown[] }).findings], [0, []]);
      assert.equal((await typed(lint, path.join(dir, 'none'))).code, 2);
      assert.equal((await typed(lint, dir, '--since', 'no-such-revision')).code, 2);
    });
  });

  it('tells its rules', async () => {
    const { code, json } = await typed(lint, '--rules');
    assert.equal(code, 0);
    const names = (json as { name: string }[]).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('not-portable'));
  });
});
