/** Slots: what was put is there, and what was stored comes back, by deltas, pages or both. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { hashed, pageOf, seedOf } from '../../src/state/page.ts';
import type { Entity } from '../../src/state/slot.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';

const PACKER = {
  pack: (bytes: Buffer) => deflateRawSync(bytes, { level: 1 }),
  unpack: (bytes: Buffer) => inflateRawSync(bytes),
};

interface Thing extends Entity {
  n: number;
}

function contentOf(slots: Slots): string[] {
  return [...slots.all()].map((row) => JSON.stringify(row)).sort();
}

/** Rows without their heads, on one line. */
function saidIn(bytes: Buffer | null): string {
  const rows = JSON.parse(String(bytes)) as unknown[][];
  return JSON.stringify(
    rows.map(([space, key, , ...rest]) => [`${space} ${key}`, ...rest.filter((one) => one !== 1)]),
  );
}

/** As it is written: records of what was read are tables, which inherit nothing. */
const plain = (shelf: Shelf | undefined) => shelf && { ...shelf, books: { ...shelf.books } };

describe('slots', () => {
  it('counts by space, and finds, changes and removes by key', () => {
    const slots = new Slots();
    slots.put('A', 'x', { n: 1 } as Thing);
    slots.put('A', 'x', { n: 2 } as Thing);
    slots.put('A', 'y z', { n: 3 } as Thing);
    slots.put('B', 'x', { n: 4 } as Thing);
    assert.equal(slots.get<Thing>('A', 'x')?.n, 2);
    assert.deepEqual([slots.count('A'), slots.count('B'), slots.count('C')], [2, 1, 0]);
    assert.ok(contentOf(slots).includes('["A","y z",{"n":3}]'));
    slots.remove('A', 'x');
    slots.remove('A', 'x');
    assert.equal(slots.get('A', 'x'), undefined);
    assert.equal(slots.count('A'), 1);
  });

  it('writes only what was touched', () => {
    const slots = new Slots();
    const thing: Thing = { n: 1 };
    slots.put('A', 'x', thing);
    slots.takeDelta();
    thing.n = 2;
    assert.equal(slots.takeDelta(), null);
    slots.touch('A', 'x');
    assert.equal(slots.dirty, 1);
    assert.equal(saidIn(slots.takeDelta()), '[["A x",{"n":2}]]');
    slots.remove('A', 'x');
    assert.equal(saidIn(slots.takeDelta()), '[["A x",null]]');
  });

  it('comes back as it was, from any mixture of pages and deltas', () => {
    const change = fc.record({
      key: fc.integer({ min: 0, max: 30 }),
      n: fc.option(fc.integer(), { nil: null }),
      page: fc.option(fc.integer({ min: 0, max: PAGES - 1 }), { nil: null }),
      commit: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const slots = new Slots();
        const deltas: { seq: number; bytes: Buffer }[] = [];
        const pages = new Map<number, { page: number; uptoSeq: number; bytes: Buffer }>();
        const commit = () => {
          const bytes = slots.takeDelta();
          if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
        };
        for (const { key, n, page, commit: now } of changes) {
          if (n === null) slots.remove('A', `k${key}`);
          else slots.put('A', `k${key}`, { n } as Thing);
          if (!now) continue;
          commit();
          if (page !== null)
            pages.set(page, { page, uptoSeq: deltas.length, bytes: slots.pageBytes(page) });
        }
        commit();
        const restored = new Slots();
        restored.restore([...pages.values()], deltas);
        assert.deepEqual(contentOf(restored), contentOf(slots));
        assert.equal(restored.count('A'), slots.count('A'));
        assert.equal(restored.takeDelta(), null);
      }),
    );
  });

  it('needs no delta that every page contains', () => {
    const slots = new Slots();
    for (let n = 0; n < 500; n += 1) slots.put('A', `k${n}`, { n } as Thing);
    const pages = Array.from({ length: PAGES }, (_, page) => ({
      page,
      uptoSeq: 1,
      bytes: slots.pageBytes(page),
    }));
    const restored = new Slots();
    restored.restore(pages, []);
    assert.deepEqual(contentOf(restored), contentOf(slots));
  });

  it('samples one space only, and everything of it in time', () => {
    const slots = new Slots();
    for (let n = 0; n < 40; n += 1) slots.put('A', `k${n}`, { n } as Thing);
    for (let n = 0; n < 40; n += 1) slots.put('AB', `k${n}`, { n: -1 } as Thing);
    const seen = new Set<number>();
    for (let round = 0; round < 100; round += 1)
      for (const [key, { n }] of slots.sample<Thing>('A', 8)) {
        assert.equal(key, `k${n}`);
        seen.add(n);
      }
    assert.equal(seen.size, 40);
    assert.ok(slots.sample('A', 8).length <= 8);
  });

  it('writes of a split record only the members that were named', () => {
    const { slots, deltas, take, back } = shelves();
    const shelf: Shelf = { label: 'a', books: { x: { pages: 1 }, y: { pages: 2 } } };
    slots.put('S', 'one', shelf);
    assert.match(take(), /"x".*"y"/);
    shelf.label = 'b';
    shelf.books['x'] = { pages: 7 };
    slots.touchPart('S', 'one', 'books', 'x');
    assert.equal(take(), '[["S one",{"label":"b"},{"books":{"x":{"pages":7}}}]]');
    delete shelf.books['y'];
    slots.touchPart('S', 'one', 'books', 'y');
    shelf.books['z'] = { pages: 3 };
    slots.touchPart('S', 'one', 'books', 'z');
    assert.match(take(), /"y":null/);
    shelf.label = 'c';
    slots.touch('S', 'one');
    assert.equal(take(), '[["S one",{"label":"c"},{}]]');
    assert.deepEqual(contentOf(back()), contentOf(slots));
    shelf.books = { w: { pages: 4 } };
    slots.touchPart('S', 'one', 'books', 'w');
    slots.put('S', 'one', shelf);
    assert.equal(take(), '[["S one",{"label":"c","books":{"w":{"pages":4}}}]]');
    assert.deepEqual(contentOf(back()), contentOf(slots));
    slots.remove('S', 'one');
    slots.touchPart('S', 'one', 'books', 'w');
    slots.put('S', 'one', { label: 'new', books: {} } as Shelf);
    take();
    assert.deepEqual(contentOf(back()), contentOf(slots));
    assert.equal(deltas.length, 6);
  });
});

interface Shelf extends Entity {
  label: string;
  books: Record<string, { pages: number }>;
}

function shelves() {
  const slots = new Slots();
  slots.split('S', ['books']);
  const deltas: { seq: number; bytes: Buffer }[] = [];
  const take = () => {
    const bytes = slots.takeDelta() as Buffer;
    deltas.push({ seq: deltas.length + 1, bytes });
    return saidIn(bytes);
  };
  const back = () => {
    const restored = new Slots();
    restored.split('S', ['books']);
    restored.restore([], deltas);
    return restored;
  };
  return { slots, deltas, take, back };
}

describe('parts of any name', () => {
  it('keeps parts of any name, and forgets those that were deleted', () => {
    const names = ['__proto__', 'constructor', 'toString', 'x'];
    const record: Record<string, unknown> = Object.create(null);
    const slots = new Slots();
    slots.split('A', ['parts']);
    slots.put('A', 'k', { parts: record } as unknown as Entity);
    const deltas = [{ seq: 1, bytes: slots.takeDelta() as Buffer }];
    const step = (seq: number, change: (name: string) => void) => {
      for (const name of names) {
        change(name);
        slots.touchPart('A', 'k', 'parts', name);
      }
      deltas.push({ seq, bytes: slots.takeDelta() as Buffer });
      const back = new Slots();
      back.split('A', ['parts']);
      back.restore([], deltas);
      return Object.keys(back.get<Entity & { parts: object }>('A', 'k')?.parts ?? {}).sort();
    };
    assert.deepEqual(
      step(2, (name) => {
        record[name] = 1;
      }),
      [...names].sort(),
    );
    assert.deepEqual(
      step(3, (name) => {
        delete record[name];
      }),
      [],
    );
  });

  it('takes what a plain object inherits for no part of it', () => {
    const slots = new Slots();
    slots.split('A', ['parts']);
    const thing = { parts: { toString: 1, constructor: 1 } as Record<string, number> };
    slots.put('A', 'k', thing as unknown as Entity);
    const deltas = [{ seq: 1, bytes: slots.takeDelta() as Buffer }];
    for (const name of ['toString', 'constructor']) {
      delete thing.parts[name];
      slots.touchPart('A', 'k', 'parts', name);
    }
    deltas.push({ seq: 2, bytes: slots.takeDelta() as Buffer });
    const back = new Slots();
    back.split('A', ['parts']);
    back.restore([], deltas);
    assert.deepEqual(contentOf(back), contentOf(slots));
  });
});

describe('restored slots', () => {
  /** Names that are alike in ways that could mix them up. */
  const name = fc.oneof(
    ...[fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('a', 'ab', '')],
    fc.constantFrom('"', '\\', '\\"', '",', '],\n["A"', '\u2028', '\ud800', '__proto__', 'é', 'Ã©'),
  );
  const change = fc.record({
    space: name,
    key: name,
    n: fc.option(fc.integer(), { nil: null }),
    commit: fc.boolean(),
    page: fc.boolean(),
  });

  it('hold entities of any name, find each, and write the same pages again', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const slots = new Slots();
        const deltas: { seq: number; bytes: Buffer }[] = [];
        const pages = new Map<number, { page: number; uptoSeq: number; bytes: Buffer }>();
        const model = new Map<string, number>();
        const commit = () => {
          const bytes = slots.takeDelta();
          if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
        };
        for (const { space, key, n, commit: now, page } of changes) {
          const id = JSON.stringify([space, key]);
          if (n === null) {
            slots.remove(space, key);
            model.delete(id);
          } else {
            slots.put(space, key, { n, wake: n } as Thing);
            model.set(id, n);
          }
          if (!now) continue;
          commit();
          const uptoSeq = deltas.length;
          const at = pageOf(space, key);
          if (page) pages.set(at, { page: at, uptoSeq, bytes: slots.pageBytes(at) });
        }
        commit();
        const make = () => {
          const made = new Slots();
          made.restore([...pages.values()], deltas);
          return made;
        };
        const looked = make();
        for (const [id, n] of model) {
          const [space, key] = JSON.parse(id) as [string, string];
          assert.equal(looked.head(space, key), n);
          assert.deepEqual(
            [...looked.heads(space)].find(([one]) => one === key),
            [key, n],
          );
          assert.equal(looked.get<Thing>(space, key)?.n, n);
          assert.equal(looked.head(space, key), n);
        }
        const restored = make();
        const counts = new Map<string, number>();
        for (const id of model.keys()) {
          const [space] = JSON.parse(id) as [string];
          counts.set(space, (counts.get(space) ?? 0) + 1);
        }
        for (const { space } of changes)
          assert.equal(restored.count(space), counts.get(space) ?? 0);
        assert.deepEqual(contentOf(restored), contentOf(slots));
        // Rows that nobody asked for are the ones that were written, byte by byte.
        const untouched = make();
        for (let page = 0; page < PAGES; page += 1)
          assert.deepEqual(rowsIn(untouched.pageBytes(page)), rowsIn(slots.pageBytes(page)));
        assert.deepEqual(contentOf(untouched), contentOf(slots));
      }),
    );
  });

  it('are read from rows as they have always been written', () => {
    const page = pageOf('A', 'x');
    const stored = [
      `[["A","x",[5,"a\\"b",1],`,
      `{"label":"a","books":{"one":{"pages":1}}}],`,
      `["A","y",1,`,
      `{"n":2}],`,
      `["A","z",null,`,
      `{"n":3}]]`,
    ].join('\n');
    const later = [
      ['[["A","x",[6,-2.5,null],1,', '{"label":"b"},{"books":{"two":{"pages":2}}}],'],
      ['["A","z",null,', 'null],', '["A","\\u0000é",12,', '{"n":4}]]'],
    ].flat();
    const slots = new Slots();
    slots.split('A', ['books']);
    slots.restore(
      [{ page, uptoSeq: 4, bytes: Buffer.from(stored) }],
      [
        { seq: 4, bytes: Buffer.from('[["A","x",9,\n{"label":"not newer"}]]') },
        { seq: 5, bytes: Buffer.from(later.join('\n')) },
      ],
    );
    assert.deepEqual([...slots.heads('A')].sort(), [
      ['\u0000é', 12],
      ['x', [6, -2.5, null]],
      ['y', 1],
    ]);
    assert.deepEqual(plain(slots.get<Shelf>('A', 'x')), {
      ...{ label: 'b', books: { one: { pages: 1 }, two: { pages: 2 } } },
    });
    assert.deepEqual(slots.get('A', '\u0000é'), { n: 4 });
    assert.equal(slots.get('A', 'z'), undefined);
    assert.equal(slots.count('A'), 3);
  });

  it('have records that are tables, whole or in parts: no name in them is special', () => {
    const slots = new Slots();
    slots.split('A', ['books']);
    slots.restore(
      [{ page: pageOf('A', 'x'), uptoSeq: 0, bytes: Buffer.from('[["A","x",1,\n{"books":{}}]]') }],
      [{ seq: 1, bytes: Buffer.from('[["A","y",1,1,\n{},{"books":{"__proto__":{"pages":1}}}]]') }],
    );
    for (const key of ['x', 'y']) {
      const books = slots.get<Shelf>('A', key)?.books;
      assert.equal(Object.getPrototypeOf(books), null, key);
    }
    assert.deepEqual(Object.keys(slots.get<Shelf>('A', 'y')?.books ?? {}), ['__proto__']);
  });

  it('stand keys that were chosen so that their hashes collide', () => {
    const keys = alike(400);
    assert.equal(new Set(keys.map((key) => pageOf('A', key))).size, 1);
    const slots = new Slots();
    slots.rests('A');
    slots.split('A', ['books']);
    for (const [n, key] of keys.entries())
      slots.put('A', key, { label: `${n}`, books: {} } as Shelf);
    const deltas = [{ seq: 1, bytes: slots.takeDelta() as Buffer }];
    for (const [n, key] of keys.entries())
      if (n % 3 === 0) slots.remove('A', key);
      else if (n % 3 === 1) {
        const shelf = slots.get<Shelf>('A', key);
        assert.ok(shelf !== undefined);
        shelf.books['x'] = { pages: n };
        slots.touchPart('A', key, 'books', 'x');
      }
    deltas.push({ seq: 2, bytes: slots.takeDelta() as Buffer });
    const check = (restored: Slots) => {
      assert.equal(restored.count('A'), 266);
      for (const [n, key] of keys.entries()) {
        const shelf = restored.get<Shelf>('A', key);
        const books = n % 3 === 1 ? { x: { pages: n } } : {};
        assert.deepEqual(plain(shelf), n % 3 === 0 ? undefined : { label: `${n}`, books });
      }
    };
    const restored = new Slots();
    restored.rests('A');
    restored.split('A', ['books']);
    restored.restore([], deltas);
    assert.deepEqual([...restored.heads('A')].length, 266);
    const page = pageOf('A', keys[0] as string);
    const bytes = restored.pageBytes(page);
    check(restored);
    restored.rest(page);
    restored.rest(page);
    assert.deepEqual(rowsIn(restored.pageBytes(page)), rowsIn(bytes));
    check(restored);
    const again = new Slots();
    again.split('A', ['books']);
    again.restore([{ page, uptoSeq: 2, bytes }], []);
    check(again);
  });
});

/** Rows of a page, in an order that does not hang on what was asked for. */
function rowsIn(bytes: Buffer): string[] {
  return (JSON.parse(String(bytes)) as unknown[]).map((row) => JSON.stringify(row)).sort();
}

/** Keys of one hash: of two units the first is sought so that the second one can make it what it is to be. */
function alike(count: number): string[] {
  const keys: string[] = [];
  const seed = seedOf('A');
  // 0x359c449b is what the prime of the hash is undone by.
  const before = Math.imul(42, 0x359c449b);
  for (let n = 0; keys.length < count; n += 1) {
    const hash = hashed(seed, `k${n}`);
    for (let one = 0; one < 0x10000; one += 1) {
      const other = (Math.imul(hash ^ one, 0x01000193) ^ before) >>> 0;
      if (other >= 0x10000) continue;
      keys.push(`k${n}${String.fromCharCode(one, other)}`);
      break;
    }
  }
  assert.deepEqual(new Set(keys.map((key) => hashed(seed, key))), new Set([42]));
  return keys;
}

describe('spaces at rest', () => {
  it('hold what they held, whatever is asked for, written or taken over in between', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 12 }),
      what: fc.constantFrom(
        'put',
        'part',
        'rest',
        'read',
        'remove',
        'commit',
        'sleep',
        'pack',
        'pages',
        'restart',
      ),
      n: fc.integer(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const kept = new Map<string, Shelf>();
        const deltas: { seq: number; bytes: Buffer }[] = [];
        let pages: { page: number; uptoSeq: number; bytes: Buffer }[] = [];
        const make = () => {
          const made = new Slots(PACKER);
          made.split('S', ['books']);
          made.rests('S');
          made.restore(pages, deltas);
          return made;
        };
        let slots = make();
        const commit = () => {
          const bytes = slots.takeDelta();
          if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
        };
        for (const { key, what, n } of steps) {
          const name = `k${key}`;
          const model = kept.get(name);
          const shelf = slots.get<Shelf>('S', name);
          assert.deepEqual(plain(shelf), model);
          if (what === 'put') {
            kept.set(name, { label: `${n}`, books: { a: { pages: n } } });
            slots.put('S', name, { label: `${n}`, books: { a: { pages: n } } } as Shelf);
          } else if (what === 'part' && shelf !== undefined && model !== undefined) {
            shelf.books[`b${n % 3}`] = { pages: n };
            model.books[`b${n % 3}`] = { pages: n };
            slots.touchPart('S', name, 'books', `b${n % 3}`);
          } else if (what === 'rest' && shelf !== undefined && model !== undefined) {
            shelf.label = `l${n}`;
            model.label = `l${n}`;
            slots.touch('S', name);
          } else if (what === 'remove') {
            kept.delete(name);
            slots.remove('S', name);
          } else if (what === 'commit') commit();
          else if (what === 'sleep') for (let page = 0; page < PAGES; page += 1) slots.rest(page);
          else if (what === 'pack') {
            slots.turn();
            slots.pack(1 + (Math.abs(n) % 1000));
          } else if (what === 'pages') {
            commit();
            const uptoSeq = deltas.length;
            pages = Array.from({ length: PAGES }, (_, page) => ({
              ...{ page, uptoSeq, bytes: slots.pageBytes(page) },
            }));
          } else if (what === 'restart') {
            commit();
            slots = make();
          }
        }
        const rows = [...slots.entities('S')].map(([name, entity]) => [
          name,
          plain(entity as Shelf),
        ]);
        assert.deepEqual(new Map(rows as [string, Shelf][]), kept);
        assert.equal(slots.count('S'), kept.size);
      }),
      { numRuns: 300 },
    );
  });

  it('are looked at without being woken, by head or as a whole', () => {
    const slots = new Slots();
    slots.rests('A');
    for (let n = 0; n < 20; n += 1) slots.put('A', `k${n}`, { n, wake: n } as Thing);
    slots.takeDelta();
    const rest = () => {
      let rested = 0;
      for (let page = 0; page < 2 * PAGES; page += 1) rested += slots.rest(page % PAGES);
      return rested;
    };
    assert.equal(rest(), 20);
    assert.equal(slots.head('A', 'k7'), 7);
    assert.equal(slots.head('A', 'nobody'), undefined);
    assert.equal([...slots.glances<Thing>('A')].find(([key]) => key === 'k7')?.[1].n, 7);
    assert.equal(rest(), 0);
    assert.equal(slots.get<Thing>('A', 'k7')?.n, 7);
    assert.equal(rest(), 1);
  });

  it('give heads without reading, the same that the entity has', () => {
    const slots = new Slots();
    slots.put('A', 'x', { wake: 5 });
    slots.put('A', 'y', {});
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
    const heads = [
      ['x', 5],
      ['y', null],
    ];
    assert.deepEqual([...restored.heads('A')].sort(), heads);
    assert.equal(restored.get('A', 'x')?.wake, 5);
    assert.deepEqual([...restored.heads('A')].sort(), heads);
  });
});
