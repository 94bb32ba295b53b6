/** Accounts: what a decoder took from where, field by field, for people who look at a sample. */

/** One field of an event, and the place in the record it was taken from or looked for at. */
export interface AccountedField {
  readonly field: string;
  /** A pointer, an attribute, or several that were looked at. */
  readonly at: string;
  /** What else there is to say: a constant, a default, a dialect, why it cannot be read. */
  readonly note: string | null;
}

/** What was made of one item of a record by one document, or one set of dialects. */
export interface Account {
  /** n-th item of the record. */
  readonly index: number;
  /** What read it, for example `document 2: gateway tool_call`; null where nothing did. */
  readonly speaks: string | null;
  readonly found: readonly AccountedField[];
  readonly missing: readonly AccountedField[];
  /** Pointers of values that nothing read, at most UNREAD_MAX, and how many more there are. */
  readonly unread: readonly string[];
  readonly unreadMore: number;
}

/** Values that are named as unread. */
export const UNREAD_MAX = 64;
const LEAVES_MAX = 2000;
const DEPTH_MAX = 16;

/** Pointers of values in `item` that lie below none of `read`. */
export function unreadIn(
  item: unknown,
  read: readonly string[],
): { readonly unread: string[]; readonly unreadMore: number } {
  const unread: string[] = [];
  let seen = 0;
  let more = 0;
  const isRead = (pointer: string) =>
    read.some((one) => one === '' || one === pointer || pointer.startsWith(`${one}/`));
  const look = (value: unknown, pointer: string, depth: number): void => {
    if (seen >= LEAVES_MAX || isRead(pointer)) return;
    const members =
      typeof value === 'object' && value !== null && depth < DEPTH_MAX ? Object.entries(value) : [];
    if (members.length > 0) {
      for (const [name, member] of members)
        look(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
      return;
    }
    seen += 1;
    if (value === null) return;
    if (unread.length < UNREAD_MAX) unread.push(pointer || '/');
    else more += 1;
  };
  look(item, '', 0);
  return { unread, unreadMore: more };
}
