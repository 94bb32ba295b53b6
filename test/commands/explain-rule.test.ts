/** `explain-rule`: pass and fail of one event, redacted unless asked, in its history or alone. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { explainRuleCommand as explainRule } from '../../src/commands/explain-rule.ts';
import { inFolder, typed, writeCorpus } from './typed.ts';

const HEAD = (stem: string) => `title: Mail to somebody outside
id: 0b7e6f0e-3f2a-4f0a-9a50-1d2f3c4b5a60
name: ${stem}
taxonomy: plumbline
status: experimental
date: 2026-01-05
falsepositives: [Somebody was told to.]
level: low
tags: [owasp-asi.asi02]
plumbline:
  format: 1
  maturity: shadow
  evidence_class: hard
  needs: { sources: [gateway], evidence: L2 }
  entity: [agent.id]
  why: It matters to somebody.
  misses: Whatever it does not see.
  triage: Look at it, then decide.
`;
const RULE = `${HEAD('outside_mail')}logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  mail: { action.tool: send_message, action.args.to|endswith: '@outside.example' }
  sound: { ref.agent.role: postmaster }
  condition: mail and not sound
`;

interface Explained {
  readonly event: string;
  readonly notes: readonly string[];
  readonly rules: readonly {
    readonly matches: boolean;
    readonly stopped: string | null;
    readonly values: Readonly<Record<string, string>> | null;
    readonly selections: readonly {
      readonly name: string;
      readonly pass: boolean;
      readonly matches: readonly {
        readonly field: string;
        readonly pass: boolean;
        readonly found: string;
      }[];
    }[];
  }[];
}

async function detectorsIn(dir: string): Promise<string> {
  const folder = path.join(dir, 'detectors');
  await mkdir(path.join(folder, 'scope'), { recursive: true });
  await writeFile(path.join(folder, 'scope', 'outside-mail.yaml'), RULE);
  return folder;
}

const mail = (to: string) => ({
  at: '+5s',
  seq: 4,
  call: 'c',
  calls: { tool: 'send_message', args: { to, note: 'sesame' } },
});

describe('explain-rule', () => {
  it('says which selection passed and which not, without the values of the event', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, [mail('eve@outside.example')]);
      const args = ['outside-mail', '--corpus', corpus, '--detectors', detectors];
      const which = ['--session', 's-1', '--seq', '4'];
      const { code, text, json } = await typed(explainRule, ...args, ...which);
      assert.equal(code, 0);
      const { rules, event } = json as Explained;
      assert.match(
        event,
        /^gateway\/tool_call at gateway:0:\d+, session s-1, agent agent-1, seq 4$/,
      );
      assert.deepEqual(
        rules[0]?.selections.map(({ name, pass }) => [name, pass]),
        [
          ['mail', true],
          ['sound', false],
        ],
      );
      // Governance named the role before: the history was run.
      assert.match(text, /FAIL {2}ref\.agent\.role: "postmaster": "clerk"/);
      assert.match(text, /otherwise had /);
      assert.ok(!text.includes('eve@') && !JSON.stringify(json).includes('eve@'));
      const shown = await typed(explainRule, ...args, ...which, '--show-values');
      assert.match(shown.text, /"eve@outside\.example"/);
    });
  });

  it('ends with 1 where it does not match, and says why a rule was not asked', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, [
        mail('bob@inside.example'),
        { at: '+4s', seq: 3, states: { call: 'c', tool: 'send_message' } },
      ]);
      const args = [
        'outside-mail',
        '--corpus',
        corpus,
        '--detectors',
        detectors,
        '--session',
        's-1',
      ];
      const other = await typed(explainRule, ...args, '--seq', '4');
      assert.equal(other.code, 1);
      assert.match(other.text, /PASS {2}action\.tool: "send_message": "send_message"/);
      assert.match(other.text, /FAIL {2}action\.args\.to\|endswith: .*: a text of 18 characters/);
      const stopped = await typed(explainRule, ...args, '--seq', '3');
      assert.equal(stopped.code, 1);
      assert.match(stopped.text, /not asked: its log source is service gateway/);
      const none = await typed(explainRule, ...args, '--seq', '99');
      assert.match(none.refusal ?? '', /no such event/);
    });
  });

  it('says which exception would excuse it', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      await mkdir(path.join(detectors, 'exceptions'));
      const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
      const lines = [
        'id: agreed-mail',
        'match: { agent: agent-1 }',
        'detectors: [outside-mail]',
        `expires: ${inAMonth}`,
        'owner: ann',
        'reason: the partner is known',
        `evidence: [${'a'.repeat(64)}]`,
      ];
      await writeFile(path.join(detectors, 'exceptions', 'agreed.yaml'), lines.join('\n'));
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, [mail('eve@outside.example')]);
      const args = ['outside-mail', '--corpus', corpus, '--detectors', detectors];
      const { text } = await typed(explainRule, ...args, '--session', 's-1', '--seq', '4');
      assert.match(text, /excused by agreed-mail \(ann: the partner is known\)/);
    });
  });

  it('finds a record by its place', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, [mail('eve@outside.example')], { setup: 'bare' });
      const args = ['outside-mail', '--corpus', corpus, '--detectors', detectors];
      assert.equal((await typed(explainRule, ...args, '--record', 'gateway:0:0')).code, 0);
      const wrong = await typed(explainRule, ...args, '--record', 'gateway');
      assert.equal(wrong.code, 2);
    });
  });

  it('takes an event by itself, and a record that no source reads', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      const file = path.join(dir, 'event.json');
      const event = {
        specVersion: 1,
        id: 'e-1',
        kind: 'gateway',
        category: 'tool_call',
        time: { eventNs: '1767600000000000000' },
        agent: { id: 'agent-1' },
        session: { id: 's-1' },
        action: {
          ...{ phase: 'result', tool: 'send_message', decision: 'allow', outcome: 'ok' },
          args: { to: 'eve@outside.example' },
        },
      };
      const args = ['outside-mail', '--event', file, '--detectors', detectors];
      await writeFile(file, JSON.stringify(event));
      const own = await typed(explainRule, ...args);
      assert.equal(own.code, 0, own.text);
      assert.match(own.text, /judged by itself/);
      const { action, ...rest } = event;
      const { args: _args, ...withheld } = action;
      await writeFile(file, JSON.stringify({ ...rest, action: withheld }));
      assert.match(
        (await typed(explainRule, ...args)).text,
        /needs evidence L2, and .* carries L0/,
      );
      const foreign = {
        'action.tool': 'send_message',
        action: { args: { to: 'x@outside.example' } },
      };
      await writeFile(file, JSON.stringify(foreign));
      const unread = await typed(explainRule, ...args);
      assert.equal(unread.code, 0, unread.text);
      assert.match(unread.text, /no source reads it/);
      await writeFile(file, 'nonsense');
      assert.equal((await typed(explainRule, ...args)).code, 2);
    });
  });

  it('refuses analytics, strangers and half a question', async () => {
    const refused = async (pattern: RegExp, ...args: string[]) => {
      const { code, refusal } = await typed(explainRule, ...args);
      assert.equal(code, 2);
      assert.match(refusal ?? '', pattern);
    };
    await refused(/name a detector; written in Sigma are: /);
    await refused(/no such detector: "x"/, 'x');
    await refused(/is an analytic \(rate\)/, 'call-burst');
    await refused(/which event\?|which event of it/, 'model-not-approved');
    await refused(
      /one of --event and --corpus/,
      'model-not-approved',
      '--event',
      'x',
      '--corpus',
      'y',
    );
  });

  it('escapes what an event says', async () => {
    await inFolder(async (dir) => {
      const detectors = await detectorsIn(dir);
      const corpus = path.join(dir, 'c');
      await writeCorpus(corpus, [mail('\u001b[2J@outside.example')], { setup: 'bare' });
      const args = ['outside-mail', '--corpus', corpus, '--detectors', detectors];
      const { text } = await typed(
        explainRule,
        ...args,
        '--record',
        'gateway:0:0',
        '--show-values',
      );
      assert.match(text, /\\u001b\[2J@outside/);
      assert.ok(!text.includes('\u001b'));
    });
  });
});
