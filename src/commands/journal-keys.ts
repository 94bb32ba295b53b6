/** `journal key`, `rotate-key` and `checkpoint`: who signs the record, and signing now. */
import { systemClock } from '../adapters/clock.ts';
import { createSecret, readText } from '../adapters/files.ts';
import type { Config } from '../model/config.ts';
import { short } from '../model/ids.ts';
import {
  beginAnew,
  lastCheckpoint,
  rotateKey,
  type StatedKey,
  statedKeys,
  takeCheckpoint,
} from '../record/checkpoints.ts';
import { newSigningKey, pemOf, publicKeyOf, type Signer, signerOf } from '../record/signing-key.ts';
import { type Given, usage } from './arguments.ts';
import { signed } from './asking.ts';
import type { Command } from './command.ts';
import { configOf } from './inputs.ts';
import { safe, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';
import { finishRotation, keyAtHand, nextKeyFile } from './signing.ts';

/** `journal checkpoint`: signs the heads of all lanes now. */
export const signJournal: Command['run'] = async (given, { output, environment }) => {
  const { config } = await configOf(given);
  const taken = await withStore(given, environment, async (db) => {
    const { signer } = await keyAtHand(db, config, environment);
    return await takeCheckpoint(db, takingOf(signer, config));
  });
  const { n, atMs, hash, lanes } = taken;
  output.json({ n, atMs, hash, lanes });
  output.line(`Checkpoint ${n}, ${timeOf(atMs)}: ${hash}`);
  for (const head of lanes) output.line(`  lane ${head.lane}: signed up to entry ${head.n}`);
  output.line('Noted elsewhere, its hash shows later that nothing before it was changed.');
  return 0;
};

/** `journal key`: public keys in PEM, the first one first, for whoever is to verify. */
export const showKeys: Command['run'] = async (given, { output, environment }) => {
  const keys = await withStore(given, environment, (db) => statedKeys(db));
  output.json(keys.map((key) => ({ ...key, pem: pemOfStated(key) })));
  if (keys.length === 0) {
    output.line(
      `Nothing is signed yet. A daemon begins by itself; or: ${typed('journal checkpoint')}`,
    );
    return 0;
  }
  for (const key of keys) {
    const how = key.type === 'begin' ? 'begins' : 'was introduced by the key before';
    output.line(
      `# key ${short(key.keyId)}: ${how} at checkpoint ${key.checkpoint}, ${timeOf(key.atMs)}`,
    );
    output.line(pemOfStated(key) ?? '# it cannot be read: `journal verify` says more');
  }
  return 0;
};

function pemOfStated({ spki }: StatedKey): string | null {
  const key = publicKeyOf(spki);
  return key === null ? null : pemOf(key).trimEnd();
}

/** `journal rotate-key`: the next key, introduced by the one in force. */
export const rotateJournalKey: Command['run'] = async (given, { output, environment }) => {
  const signature = signed(given);
  const { config } = await configOf(given);
  const done = await withStore(given, environment, async (db) => {
    const next = await nextKey(given, config);
    if (given.has('lost')) {
      const taken = await beginAnew(db, takingOf(next, config), signature);
      await finishRotation(config, next.keyId);
      return { taken, next };
    }
    const { signer } = await keyAtHand(db, config, environment);
    if (signer.keyId === next.keyId) throw usage('--next names the key that is in force already');
    // Rotating before anything was signed would introduce nobody to anybody.
    if ((await lastCheckpoint(db)) === null) await takeCheckpoint(db, takingOf(signer, config));
    const taken = await rotateKey(db, takingOf(signer, config), next, signature);
    await finishRotation(config, next.keyId);
    return { taken, next };
  });
  const { keyId } = done.next;
  output.json({ keyId, checkpoint: done.taken.n, lost: given.has('lost') });
  output.line(`From checkpoint ${done.taken.n} on, key ${short(keyId)} signs the record.`);
  if (given.has('lost'))
    output.line(
      'Nobody introduced it: give its public half to everyone who verifies, for the break is shown to them.',
    );
  else
    output.line('Whoever holds the first public key can follow: nothing needs to be handed out.');
  if (config.journal?.signingKey !== undefined)
    output.line(
      `Now put ${safe(given.value('next') ?? '')} where journal.signingKey points to; until then nothing is signed.`,
    );
  return 0;
};

/** The key to come: a file of theirs where the key is configured, else a fresh one in dataDir. */
async function nextKey(given: Given, config: Config): Promise<Signer> {
  const named = given.value('next');
  if (config.journal?.signingKey !== undefined) {
    if (named === undefined)
      throw usage(
        'journal.signingKey is configured: make the next key yourself (openssl genpkey -algorithm ed25519 -out NEXT.pem) and name it: --next NEXT.pem',
      );
    return signerOf(await readText(named), named);
  }
  if (named !== undefined)
    throw usage(`--next goes with journal.signingKey; without it the next key is made in dataDir`);
  // One that a crash left behind was never used: it will do.
  const file = nextKeyFile(config);
  await createSecret(file, newSigningKey());
  return signerOf(await readText(file), file);
}

function takingOf(signer: Signer, config: Config) {
  return { signer, instance: config.instance ?? 'plumbline', nowMs: systemClock.nowMs() };
}
