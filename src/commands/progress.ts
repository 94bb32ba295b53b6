/** Progress of long work: how much, how fast, how long still; only where somebody watches. */
import { stderr } from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { lengthOf, type Output } from './output.ts';

const EVERY_MS = 1000;

/** Tells how far counting has come, once a second, where stderr is a terminal. */
export function createProgress(
  output: Output,
  what: string,
  total: number | null,
): (done: number) => void {
  if (!stderr.isTTY) return () => undefined;
  const startedMs = systemClock.nowMs();
  let toldMs = startedMs;
  return (done) => {
    if (done % 1024 !== 0) return;
    const nowMs = systemClock.nowMs();
    if (nowMs - toldMs < EVERY_MS) return;
    toldMs = nowMs;
    const rate = (done * 1000) / (nowMs - startedMs);
    const of = total === null ? '' : ` of ${total.toLocaleString('en')}`;
    const left = total === null ? '' : `, ${lengthOf(((total - done) * 1000) / rate)} left`;
    const speed = Math.round(rate).toLocaleString('en');
    output.progress(`${done.toLocaleString('en')}${of} ${what}, ${speed}/s${left}`);
  };
}
