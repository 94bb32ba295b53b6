/** Writes src/record/migrations/checksums.json: `npm run checksums`, after adding a migration. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CHECKSUMS, checksumsOf } from './rules.ts';
import { readTree } from './tree.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = checksumsOf(readTree(root));
writeFileSync(`${root}${CHECKSUMS}`, text);
process.stdout.write(`${CHECKSUMS} written; a changed line in its diff is a changed migration\n`);
