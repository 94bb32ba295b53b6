/** Copied rows: bytes as they are, where rows of a query hold them as text. */
import { OperatingError } from '../model/errors.ts';
import type { CopiedRow } from '../model/ports.ts';

/** What such a copy begins with, flags and the length of an extension behind it. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER = SIGNATURE.length + 8;
const END = -1;
const NULL = -1;

/** The rows in what was copied, all of it; columns are parts of it. Throws where it is no such copy. */
export function copiedRows(bytes: Buffer): CopiedRow[] {
  const isCopy = bytes.length >= HEADER && bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE);
  if (!isCopy) throw unreadable();
  const rows: CopiedRow[] = [];
  let at = HEADER + bytes.readInt32BE(HEADER - 4);
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (length < 0 || at > bytes.length) throw unreadable();
    return from;
  };
  for (;;) {
    const count = bytes.readInt16BE(take(2));
    if (count === END) return rows;
    const row: (Buffer | null)[] = [];
    for (let column = 0; column < count; column += 1) {
      const length = bytes.readInt32BE(take(4));
      if (length === NULL) row.push(null);
      else row.push(bytes.subarray(take(length), at));
    }
    rows.push(row);
  }
}

function unreadable(): OperatingError {
  return new OperatingError('DATABASE_REFUSED', 'the server copied rows in a form we do not know', {
    retryable: false,
  });
}
