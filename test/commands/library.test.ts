/** The library: a broken detector takes no other down, and all that is wrong is said at once. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readLibrary } from '../../src/commands/library.ts';
import { inFolder } from './typed.ts';

const HEAD = `taxonomy: plumbline
status: experimental
date: 2026-11-29
falsepositives: [None that we know of.]
level: low
tags: [atlas.t0053]
plumbline:
  format: 1
  maturity: shadow
  evidence_class: hard
  needs: { sources: [gateway], evidence: L0 }
  entity: [agent.id]
  why: Because it is a test of the loader.
  misses: Everything that it is not about.
  triage: Nothing has to be done about it.
`;
const GATEWAY = 'logsource: { product: ai_agent, service: gateway }\n';

/** A detector file: its number makes its id. */
const detector = (name: string, number: number, body: string) =>
  `title: A detector of a test\nid: 00000000-0000-4000-8000-00000000000${number}\nname: ${name}\n${body}${HEAD}`;

const DENIED = detector(
  'denied',
  1,
  `${GATEWAY}detection:\n  sel: { action.decision: deny }\n  condition: sel\n`,
);

async function withFiles(
  files: Readonly<Record<string, string>>,
  work: (dir: string) => Promise<void>,
): Promise<void> {
  await inFolder(async (dir) => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(join(dir, file, '..'), { recursive: true });
      await writeFile(join(dir, file), text);
    }
    await work(dir);
  });
}

const relative = (
  dir: string,
  problems: readonly { file: string; line: number | null; message: string }[],
) => problems.map(({ file, line, message }) => `${file.slice(dir.length + 1)}:${line} ${message}`);

describe('library', () => {
  it('keeps the sound detectors and names every mistake of the others, with its line', async () => {
    const broken = {
      'scope/unknown-modifier.yaml': detector(
        'unknown_modifier',
        2,
        `${GATEWAY}detection:\n  sel: { action.tool|contain: x }\n  condition: sel and fliter\n`,
      ),
      'scope/key-twice.yaml': detector(
        'key_twice',
        3,
        `${GATEWAY}detection:\n  sel:\n    action.tool: a\n    action.tool: b\n    action.args.x|all: y\n  condition: sel\n`,
      ),
      'scope/wildcard.yaml': detector(
        'wildcard',
        4,
        `${GATEWAY}detection:\n  sel: { action.tool: *_prod }\n  condition: sel\n`,
      ),
      'scope/no-header.yaml': `title: Nothing but a rule\n${GATEWAY}detection: { sel: { a: b }, condition: sel }\n`,
    };
    await withFiles({ 'scope/denied.yaml': DENIED, ...broken }, async (dir) => {
      const { detectors, problems } = await readLibrary(dir);
      assert.deepEqual(
        detectors.map(({ stem }) => stem),
        ['denied'],
      );
      const said = relative(dir, problems).join('\n');
      assert.match(
        said,
        /unknown-modifier\.yaml:6 unknown modifier `contain`; did you mean `contains`\?/,
      );
      assert.match(said, /unknown-modifier\.yaml:7 .*`fliter`, which is no selection/);
      assert.match(said, /key-twice\.yaml:8 .*stands twice; put its values into one list/);
      assert.match(said, /key-twice\.yaml:9 `all` wants two values or more/);
      assert.match(said, /wildcard\.yaml:6 .*write it in quotes: '\*_prod'/);
      assert.match(said, /no-header\.yaml:1 .*missing key `plumbline`/);
    });
  });

  it('reads rules of several documents as one detector', async () => {
    const rule = (name: string, decision: string) =>
      `title: A base rule\nname: ${name}\n${GATEWAY}detection: { sel: { action.decision: ${decision} }, condition: sel }\n`;
    const correlation =
      'correlation:\n  type: temporal_ordered\n  rules: [refused, allowed]\n  group-by: [session.id]\n  timespan: 5m\n';
    const text = [
      detector('then', 2, correlation),
      rule('refused', 'deny'),
      rule('allowed', 'allow'),
    ];
    await withFiles({ 'scope/then.yaml': text.join('---\n') }, async (dir) => {
      const { detectors, problems } = await readLibrary(dir);
      assert.deepEqual(relative(dir, problems), []);
      const [one] = detectors;
      assert.equal(one?.kind, 'sigma');
      assert.deepEqual(
        one?.sigma?.rules.map(({ name }) => name),
        ['refused', 'allowed'],
      );
      assert.equal(one?.sigma?.correlations.length, 1);
    });
    const [outer = '', first = ''] = text;
    const wrong = [outer.replace('[refused,', '[refusd,'), first, outer];
    await withFiles({ 'scope/then.yaml': wrong.join('---\n') }, async (dir) => {
      const { problems } = await readLibrary(dir);
      assert.match(relative(dir, problems).join(), /two documents have `plumbline:`/);
    });
    const alone = [DENIED, first];
    await withFiles({ 'scope/denied.yaml': alone.join('---\n') }, async (dir) => {
      const { problems } = await readLibrary(dir);
      assert.match(relative(dir, problems).join(), /base documents want a `correlation:`/);
    });
  });

  it('takes values of placeholders from the configuration, and refuses a rule without them', async () => {
    const text = detector(
      'admins',
      2,
      `${GATEWAY}detection:\n  sel: { principal.sub|expand: '%admins%' }\n  condition: sel\n`,
    );
    await withFiles({ 'scope/admins.yaml': text }, async (dir) => {
      const without = await readLibrary(dir);
      assert.match(
        relative(dir, without.problems).join(),
        /:6 no values are declared for %admins%/,
      );
      const { detectors, problems } = await readLibrary(dir, {
        placeholders: { admins: ['root', 7] },
      });
      assert.deepEqual(problems, []);
      assert.match(JSON.stringify(detectors[0]?.sigma?.rules), /"root".*"7"/);
    });
  });

  it('applies filters, warns of those that expired, and refuses those that nobody answers for', async () => {
    const filter = (expires: string) => `title: No load tests
logsource: { product: ai_agent, service: gateway }
filter:
  rules: [denied]
  tests: { principal.sub: loadtest }
  condition: not tests
plumbline: { expires: ${expires}, owner: platform, reason: Refused on purpose every night. }
`;
    const files = { 'scope/denied.yaml': DENIED, 'filters/load.yaml': filter('2999-01-01') };
    let plain = '';
    await withFiles({ 'scope/denied.yaml': DENIED }, async (dir) => {
      plain = (await readLibrary(dir)).detectors[0]?.version ?? '';
    });
    await withFiles(files, async (dir) => {
      const { detectors, problems, warnings } = await readLibrary(dir);
      assert.deepEqual([problems, warnings], [[], []]);
      assert.equal(detectors[0]?.sigma?.rules[0]?.filters.length, 1);
      assert.notEqual(detectors[0]?.version, plain);
    });
    await withFiles({ ...files, 'filters/load.yaml': filter('2020-01-01') }, async (dir) => {
      const { problems, warnings } = await readLibrary(dir);
      assert.deepEqual(problems, []);
      assert.match(relative(dir, warnings).join(), /filters\/load\.yaml:7 expired on 2020-01-01/);
    });
    const nobody = filter('2999-01-01').replace('owner: platform, ', '');
    await withFiles({ ...files, 'filters/load.yaml': nobody }, async (dir) => {
      assert.match(relative(dir, (await readLibrary(dir)).problems).join(), /missing key `owner`/);
    });
  });
});
