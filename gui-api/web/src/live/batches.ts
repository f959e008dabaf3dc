/** Gathers what comes quickly, so that it is dealt with a few times a second however much comes. */

/** Items on their way. */
export interface Batches<T> {
  add: (items: T[]) => void;
  /** Drops what waits; nothing is delivered any more. */
  stop: () => void;
}

/**
 * Delivers items in batches of at most `max` (of more, the latest): the first after a quiet moment at once,
 * what follows every `pause` milliseconds.
 */
export function batched<T>(max: number, pause: number, deliver: (items: T[]) => void): Batches<T> {
  let waiting: T[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    timer = undefined;
    if (waiting.length > 0) {
      const items = waiting;
      waiting = [];
      timer = setTimeout(flush, pause);
      deliver(items);
    }
  };

  return {
    add: (items) => {
      waiting = [...waiting, ...items].slice(-max);
      if (timer === undefined) {
        flush();
      }
    },
    stop: () => {
      clearTimeout(timer);
      waiting = [];
    },
  };
}
