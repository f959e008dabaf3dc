/**
 * The names that a page uses: `tracker`, `onTidelineReady`, and `onTracardiReady` for pages of the protocol.
 *
 * Before the script has loaded, the embed snippet's stubs stand there and keep calls in `q`. They become
 * the real ones, the same objects, as pages may have kept them in variables.
 */

type Calls = ArrayLike<unknown>[];

/** A stub of the embed snippet; an older page may have none, or only some. */
type Stub = { q?: unknown } | undefined;

type Stubs = { [Name in "tracker" | "onTidelineReady" | "onTracardiReady"]?: Stub };

/** Takes over `window.tracker` and sends what its stub kept. */
export function takeTracker(view: Window, track: Tideline.Tracker["track"]): Tideline.Tracker {
  const stubs = view as Stubs;
  const early = callsOf(stubs.tracker);
  const tracker = Object.assign(stubs.tracker ?? {}, { q: [], track });
  stubs.tracker = tracker;
  early.forEach((call) => void track(...(Array.from(call) as Parameters<typeof track>)));
  return tracker;
}

/** Takes over both names of the ready callback and binds what their stubs kept. */
export function takeReady(view: Window, bind: Tideline.Ready["bind"]): void {
  const stubs = view as Stubs;
  const { onTidelineReady: ours, onTracardiReady: theirs } = stubs;
  const early = [...callsOf(ours), ...(ours === theirs ? [] : callsOf(theirs))];
  stubs.onTidelineReady = Object.assign(ours ?? {}, { q: [], bind });
  stubs.onTracardiReady = Object.assign(theirs ?? stubs.onTidelineReady, { q: [], bind });
  early.forEach((call) => bind(...(Array.from(call) as Parameters<typeof bind>)));
}

function callsOf(stub: Stub): Calls {
  return Array.isArray(stub?.q) ? (stub.q as Calls) : [];
}
