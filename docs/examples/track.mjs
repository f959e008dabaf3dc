// Sends one event of a visitor to Tideline, and prints the visitor's profile id. Node 20, no packages.
//
//   TIDELINE_URL=https://collect.example.com TIDELINE_SOURCE=shop-web node track.mjs
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const { TIDELINE_URL, TIDELINE_SOURCE, TIDELINE_SESSION, TIDELINE_EVENT } = process.env;
if (!TIDELINE_URL || !TIDELINE_SOURCE) {
  throw new Error('set TIDELINE_URL to the address of your edge, and TIDELINE_SOURCE to an event source of type rest');
}

/** Sends the body until it is taken, at most so often. The events' ids make sure that each is stored once. */
async function track(body, tries = 5) {
  for (let left = tries; ; left -= 1) {
    const answer = await fetch(`${TIDELINE_URL}/track`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    }).catch((error) => error);
    if (answer.ok) return answer.json();
    // Only these are worth another try: nothing came back, or it cannot be stored right now.
    const passing = answer instanceof Error || answer.status === 503;
    if (!passing || left <= 1) {
      throw new Error(`the event was not taken: ${answer.status ?? answer.cause ?? answer} ${await answer.text?.()}`);
    }
    await pause(1000 * Number(answer.headers?.get('retry-after') ?? 1));
  }
}

const answer = await track({
  source: { id: TIDELINE_SOURCE },
  // Yours: the same for all events of a visit.
  session: { id: TIDELINE_SESSION ?? randomUUID() },
  events: [
    {
      // Yours as well: the same whenever this event is sent.
      id: TIDELINE_EVENT ?? randomUUID(),
      type: 'purchase-order',
      properties: { order: '4711', total: 129.9, currency: 'EUR' },
    },
  ],
});
console.log(answer.profile.id);
