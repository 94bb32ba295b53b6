/** What simulated sessions are about: companies, people, things, in made-up names. */
import { between, integer, pick, type Random } from './random.ts';
import type { Matter } from './role.ts';

const PARTIES = [
  'Brightwater Supplies',
  'Corran Freight',
  'Delmare Foods',
  'Elstow Paper',
  'Fenwick Tooling',
  'Grantham Optics',
  'Hollis & Reed',
  'Ivybridge Textiles',
  'Juniper Labs',
  'Kestrel Marine',
  'Larkfield Dairy',
  'Mossley Ceramics',
];
const PEOPLE = [
  'Ada Penrose',
  'Bilal Hartmann',
  'Chiara Novak',
  'Dmitri Okafor',
  'Elin Sandberg',
  'Farah Quinn',
  'Goran Ilves',
  'Hana Morita',
  'Idris Calloway',
  'Jonas Weber',
];
const THINGS = [
  'checkout',
  'billing-api',
  'search',
  'orders',
  'inventory',
  'payments',
  'notifications',
  'accounts',
  'shipping',
  'catalogue',
];

/** A company at random. */
export function party(random: Random): string {
  return pick(random, PARTIES);
}

/** A service, dataset or product at random. */
export function thing(random: Random): string {
  return pick(random, THINGS);
}

/** The matter of a session. */
export function matterOf(random: Random): Matter {
  const person = pick(random, PEOPLE);
  return {
    ref: String(integer(random, 10_000, 99_999)),
    party: party(random),
    person,
    email: `${person.toLowerCase().replace(' ', '.')}@customer.example`,
    amount: Math.round(between(random, 20, 4_000) * 100) / 100,
    thing: thing(random),
  };
}
