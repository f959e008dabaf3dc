/**
 * Calls of the JSON API, one function a route. Failures are `ApiError`s whose message can be shown as it is.
 */
import { FILTER_KEYS } from "./types";
import type { EventFilter, EventPage, FilterProblem, Profile, Session, TrackedEvent } from "./types";

/** Why a call failed; status 0 when no answer came. */
export class ApiError extends Error {
  readonly status: number;
  /** What is wrong with `where`, when that is why. */
  readonly filter: FilterProblem | null;

  constructor(status: number, message: string, filter: FilterProblem | null = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.filter = filter;
  }
}

/** What part of a list is wanted, beside the filter. */
export interface ListRange {
  /** Event time from here on. */
  from?: string;
  /** 1 to 200. */
  limit?: number;
  /** From an earlier page's `next`. */
  cursor?: string;
}

/** The API for one token. */
export interface Api {
  events: (filter: EventFilter, range: ListRange, signal: AbortSignal) => Promise<EventPage>;
  event: (id: string, signal: AbortSignal) => Promise<TrackedEvent>;
  profile: (id: string, signal: AbortSignal) => Promise<Profile>;
  session: (id: string, signal: AbortSignal) => Promise<Session>;
  /** The stream of events as they are stored. */
  live: (filter: EventFilter, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
}

/** Calls the API with `token`; `onRefused` is told when the service does not accept it (any more). */
export function apiFor(token: string, onRefused: () => void): Api {
  const get = async (path: string, signal: AbortSignal): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(`/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` }, cache: "no-store", signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new ApiError(0, `The service does not answer (${error instanceof Error ? error.message : String(error)}).`);
    }
    if (response.ok) {
      return response;
    }
    if (response.status === 401) {
      onRefused();
    }
    throw await errorOf(response);
  };
  const read = async <T>(path: string, signal: AbortSignal): Promise<T> => (await (await get(path, signal)).json()) as T;

  return {
    events: (filter, range, signal) => read(`events?${query({ ...filterQuery(filter), ...range })}`, signal),
    event: (id, signal) => read(`events/${encodeURIComponent(id)}`, signal),
    profile: (id, signal) => read(`profiles/${encodeURIComponent(id)}`, signal),
    session: (id, signal) => read(`sessions/${encodeURIComponent(id)}`, signal),
    live: async (filter, signal) => {
      const { body } = await get(`events/live?${query(filterQuery(filter))}`, signal);
      if (body === null) {
        throw new ApiError(0, "The service answered without a stream.");
      }
      return body;
    },
  };
}

function filterQuery(filter: EventFilter): Partial<EventFilter> {
  return Object.fromEntries(FILTER_KEYS.filter((key) => filter[key] !== "").map((key) => [key, filter[key]]));
}

function query(parameters: object): string {
  return new URLSearchParams(Object.entries(parameters).map(([key, value]) => [key, String(value)])).toString();
}

async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const { detail, filter } = (typeof body === "object" && body !== null ? body : {}) as { detail?: unknown; filter?: FilterProblem };
  const message = typeof detail === "string" ? detail : `The service answered ${response.status}.`;
  return new ApiError(response.status, message, filter ?? null);
}
