/** Ids: hashes of what they name, so that the same facts always get the same id. */
import { hash } from 'node:crypto';
import type { Event } from './event.ts';

/** sha256 hex over parts, each prefixed by its length: no two lists of parts collide. */
export function idOf(...parts: readonly (string | number | null)[]): string {
  let text = '';
  for (const part of parts) {
    const value = part === null ? '\u0000' : String(part);
    text += `${value.length}:${value}`;
  }
  return hash('sha256', text, 'hex');
}

/** Id of an event: its identity within the topic (DESIGN §13.4), never its position. */
export function eventId(event: Event): string {
  return eventIdOf(event.src.topic, event.nativeId);
}

/** The same from its parts. */
export function eventIdOf(topic: string, nativeId: string): string {
  return hash('sha256', `${topic}\u0000${nativeId}`, 'hex');
}

/** First 12 characters, for people. Every command that takes an id takes a unique prefix. */
export function short(id: string): string {
  return id.slice(0, 12);
}
