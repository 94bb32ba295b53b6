/** Settings: values a deployment makes once and keeps for good. */
import type { Database } from '../model/ports.ts';
import { onlyRow, textOf } from './row.ts';

const KEEP = 'insert into setting (name, value) values ($1, $2) on conflict (name) do nothing';
const READ = 'select value from setting where name = $1';

/** The stored value; where there is none, `fresh` is stored and returned. Safe to run twice at once. */
export async function settingOf(
  db: Pick<Database, 'query'>,
  name: string,
  fresh: string,
): Promise<string> {
  await db.query(KEEP, [name, fresh]);
  return textOf(onlyRow(await db.query(READ, [name])), 'value');
}
