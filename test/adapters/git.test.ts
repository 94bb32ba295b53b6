/** Git, read only: files of a revision byte for byte, and refusals that name their reason. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readRevision } from '../../src/adapters/git.ts';

async function inRepository(
  work: (dir: string, git: (...args: string[]) => string) => Promise<void>,
) {
  const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-git-'));
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  const git = (...args: string[]) =>
    execFileSync('git', [...identity, ...args], { cwd: dir, stdio: 'pipe' })
      .toString()
      .trim();
  try {
    git('init', '-q');
    await work(dir, git);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
const any = () => true;

describe('readRevision', () => {
  it('reads a folder as it was, whatever lies there now', async () => {
    await inRepository(async (dir, git) => {
      const rules = path.join(dir, 'a b', 'rules');
      await mkdir(path.join(rules, 'scope'), { recursive: true });
      const bytes = Buffer.from([0, 10, 13, 255, 10, 10]);
      await writeFile(path.join(rules, 'scope', 'x.yaml'), 'first\n');
      await writeFile(path.join(rules, 'scope', 'ünï "q"\n.yaml'), bytes);
      await writeFile(path.join(rules, 'empty.yaml'), '');
      await writeFile(path.join(dir, 'outside.yaml'), 'not ours');
      await symlink('x.yaml', path.join(rules, 'scope', 'link.yaml'));
      git('add', '-A');
      git('commit', '-qm', 'one');
      const first = git('rev-parse', 'HEAD');
      await writeFile(path.join(rules, 'scope', 'x.yaml'), 'second\n');
      git('commit', '-qam', 'two');
      await writeFile(path.join(rules, 'scope', 'x.yaml'), 'not committed\n');
      const old = await readRevision(rules, 'HEAD~1', any);
      assert.equal(old.commit, first);
      assert.deepEqual([...old.files.keys()].sort(), [
        'empty.yaml',
        'scope/x.yaml',
        'scope/ünï "q"\n.yaml',
      ]);
      assert.equal(old.files.get('scope/x.yaml')?.toString(), 'first\n');
      assert.deepEqual(old.files.get('scope/ünï "q"\n.yaml'), bytes);
      assert.equal(old.files.get('empty.yaml')?.length, 0);
      const recent = await readRevision(rules, 'HEAD', (file) => file === 'scope/x.yaml');
      assert.deepEqual(
        [...recent.files].map(([file, text]) => [file, text.toString()]),
        [['scope/x.yaml', 'second\n']],
      );
      const whole = await readRevision(dir, first, any);
      assert.ok(whole.files.has('outside.yaml'));
    });
  });

  it('refuses what is no revision, options in disguise included', async () => {
    await inRepository(async (dir, git) => {
      await writeFile(path.join(dir, 'x'), 'x');
      git('add', '-A');
      git('commit', '-qm', 'one');
      for (const ref of ['nope', '', '-h', '--output=/x', 'HEAD:x', 'a\0b', 'HEAD^{tree}'])
        await assert.rejects(readRevision(dir, ref, any), /neither a folder nor a revision/, ref);
    });
  });

  it('says where there is no repository, and no folder', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-none-'));
    try {
      await assert.rejects(readRevision(dir, 'HEAD', any), /git rev-parse in .* failed \(128\)/);
      await assert.rejects(readRevision(path.join(dir, 'x'), 'HEAD', any), /is git installed/);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
