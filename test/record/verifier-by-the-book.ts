/** A verifier written from docs/journal.md alone, with nothing of ours: the test oracle. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const must = (condition: unknown, why: string) => {
  if (!condition) throw new Error(why);
};
const keyIdOf = (key: KeyObject) => sha256(key.export({ type: 'spki', format: 'der' }));
const isSigned = (key: KeyObject | undefined, domain: string, body: string, signature: string) => {
  const bytes = Buffer.from(signature, 'base64');
  return (
    key &&
    bytes.toString('base64') === signature &&
    verify(null, Buffer.from(`plumbline journal ${domain} 1\n${body}`), key, bytes)
  );
};
const parts = (...all: (string | number)[]) => all.map((p) => `${String(p).length}:${p}`).join('');
const sorted = (v: Record<string, unknown>) => JSON.stringify(v, Object.keys(v).sort());

/** Throws where the file is not what the first key, and those it introduced, signed. */
export function verifyByTheBook(file: Buffer, publicKeyPem: string): void {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
  must(text.endsWith('\n'), 'the last line is cut off');
  const lines = text.slice(0, -1).split('\n');
  must(lines[0] === '{"type":"plumbline-journal","v":1}', 'not a journal of version 1');
  const first = createPublicKey(publicKeyPem);
  const keys = new Map([[keyIdOf(first), first]]);
  const heads = new Map<string, string>(),
    ends = new Map<number, number>();
  const at = new Map<number, { n: number; hash: string }>();
  let [prev, n, inForce, stage] = ['0'.repeat(64), 0, keyIdOf(first), 0];
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const r = JSON.parse(line);
    must(sorted(r) === line && stage < 2, `line ${index + 1} is not in its form or place`);
    if (r.type === 'checkpoint') {
      const c = JSON.parse(r.body);
      must(
        stage === 0 && c.n === ++n && c.prev === prev && r.hash === sha256(r.body),
        'checkpoint chain',
      );
      must(
        c.keyId === inForce && isSigned(keys.get(inForce), 'checkpoint', r.body, r.signature),
        'signature',
      );
      for (const h of c.lanes) {
        heads.set(`${h.lane} ${h.n}`, h.hash);
        ends.set(h.lane, h.n);
      }
      for (const cut of c.pruning?.lanes ?? []) {
        must(heads.get(`${cut.lane} ${cut.n}`) === cut.hash, 'pruned at no checkpoint');
        at.set(cut.lane, cut);
      }
      if (c.type === 'rotation') {
        const next = createPublicKey({
          key: Buffer.from(c.key.spki, 'base64'),
          format: 'der',
          type: 'spki',
        });
        must(keyIdOf(next) === c.key.keyId, 'key introduced under another id');
        inForce = c.key.keyId;
        keys.set(inForce, next);
      }
      prev = r.hash;
    } else if (r.type === 'entry') {
      const before = at.get(r.lane) ?? { n: 0, hash: '0'.repeat(64) };
      must(r.n === before.n + 1 && r.prev === before.hash, 'entry chain');
      must(r.hash === sha256(parts(r.prev, r.lane, r.n, r.atMs, r.kind, r.body)), 'entry hash');
      must((heads.get(`${r.lane} ${r.n}`) ?? r.hash) === r.hash, 'entry is not what was signed');
      at.set(r.lane, r);
      stage = 1;
    } else {
      const e = JSON.parse(r.body);
      const whole = Buffer.from(`${lines.slice(0, index).join('\n')}\n`);
      must(
        r.type === 'end' && isSigned(keys.get(inForce), 'export', r.body, r.signature),
        'end signature',
      );
      must(
        e.sha256 === sha256(whole) && e.checkpoint.hash === prev && e.keyId === inForce,
        'end of another file',
      );
      stage = 2;
    }
  }
  for (const [lane, end] of ends) must((at.get(lane)?.n ?? 0) >= end, `lane ${lane} is cut off`);
  must(stage === 2, 'no signed end');
}
