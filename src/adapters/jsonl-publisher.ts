/** Publisher into JSON-lines files: one `<topic>.jsonl` per topic, appended. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { OperatingError } from '../model/errors.ts';
import type { OutRecord, Publisher } from '../model/ports.ts';

const NEWLINE = 10;

/**
 * Appends the value of each record as one line to `<dir>/<topic>.jsonl`, in order; keys and times
 * are not kept. `publish` resolves when the batch is written, `close` when all of it is on disk.
 * Rejects topics that are no plain file names and values that hold a newline.
 */
export function createJsonlPublisher(dir: string): Publisher {
  const handles = new Map<string, FileHandle>();
  let queue: Promise<void> = Promise.resolve();
  // Batches are written one after the other: two appends at once could interleave their lines.
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const result = queue.then(work);
    // The caller of `publish` hears of a failure; the next batch is written all the same.
    queue = result.catch(() => undefined);
    return result;
  };
  return {
    publish(records) {
      return inTurn(async () => {
        const texts = new Map<string, string>();
        for (const record of records) {
          texts.set(record.topic, `${texts.get(record.topic) ?? ''}${lineOf(record)}\n`);
        }
        for (const [topic, text] of texts) {
          const handle = handles.get(topic) ?? (await openTopic(dir, topic));
          handles.set(topic, handle);
          await writing(topic, () => handle.appendFile(text));
        }
      });
    },
    close() {
      return inTurn(async () => {
        for (const [topic, handle] of handles) {
          await writing(topic, () => handle.sync());
          await handle.close();
        }
        handles.clear();
      });
    },
  };
}

function lineOf({ topic, value }: OutRecord): string {
  const text = typeof value === 'string' ? value : value.toString('utf8');
  if (!text.includes('\n')) return text;
  throw refused(`a record for ${topic} holds a newline: one line is one record`, undefined);
}

async function openTopic(dir: string, topic: string): Promise<FileHandle> {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}$/.test(topic)) {
    throw refused('a topic must be a plain name of letters, digits, `.`, `_`, `-`', undefined);
  }
  return writing(topic, async () => {
    await mkdir(dir, { recursive: true });
    const handle = await open(path.join(dir, `${topic}.jsonl`), 'a+');
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    // A crash may have left half a line; ours must not become its second half.
    if (size > 0 && last[0] !== NEWLINE) await handle.appendFile('\n');
    return handle;
  });
}

async function writing<T>(topic: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw refused(`the file of topic ${topic} cannot be written`, cause);
  }
}

function refused(message: string, cause: unknown): OperatingError {
  return new OperatingError('SOURCE_UNREADABLE', message, { retryable: false, cause });
}
