/** Identifiers of people and their money, as checksums prove them: knows validator. */
import validator from 'validator';
import type { Sighting } from './sighting.ts';

const DIGIT = /\d/;
/** Runs of digits as people write the numbers of cards. */
const CARD = /\d(?:[ -]?\d){12,18}/g;
/** Country, two check digits, and up to thirty letters and digits, in groups or not. */
const IBAN = /[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}/g;
const MAIL = /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}/g;
/** Fewer addresses are a conversation; so many are a list of people. */
const ADDRESSES_LEAST = 10;

/**
 * Payment cards by their checksum (Luhn) and issuer, bank accounts by theirs (ISO 13616, mod 97), and
 * lists of ten or more different mail addresses. Names, streets and the like prove nothing and are left out.
 * Cost: three linear scans of the text; checks only where the form fits.
 */
export function findPersonalData(text: string): readonly Sighting[] {
  const found: Sighting[] = [];
  // Most texts hold neither digits nor addresses.
  if (DIGIT.test(text)) numbersIn(text, found);
  if (text.includes('@')) addressesIn(text, found);
  return found;
}

function numbersIn(text: string, found: Sighting[]): void {
  for (const [match] of text.matchAll(CARD)) {
    const digits = match.replace(/[ -]/g, '');
    if (validator.isCreditCard(digits)) found.push({ type: 'payment-card', length: match.length });
  }
  for (const [match] of text.matchAll(IBAN)) {
    const length = ibanWithin(match);
    if (length > 0) found.push({ type: 'bank-account', length });
  }
}

function addressesIn(text: string, found: Sighting[]): void {
  const addresses = new Set([...text.matchAll(MAIL)].map(([match]) => match.toLowerCase()));
  const real = [...addresses].filter((address) => validator.isEmail(address));
  if (real.length >= ADDRESSES_LEAST)
    found.push({ type: 'mail-addresses', length: real.join('').length });
}

/** Length of the account number a match begins with; a word behind it may have been taken for more. */
function ibanWithin(match: string): number {
  const groups = match.split(' ');
  for (let take = groups.length; take > 0; take -= 1) {
    const tried = groups.slice(0, take).join(' ');
    if (validator.isIBAN(tried.replaceAll(' ', ''))) return tried.length;
  }
  return 0;
}
