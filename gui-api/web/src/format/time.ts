/** Times for people, in the reader's zone. */

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const PRECISE = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** The reader's time zone, an IANA name. */
export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Microseconds since 1970: `Date` has milliseconds only. */
export function microseconds(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return Date.parse(time) * 1000 + Number(fraction.slice(3, 6).padEnd(3, "0"));
}

/** `14:03:22`. */
export function clockTime(time: string): string {
  return CLOCK.format(new Date(time));
}

/** `14:03:22.145`. */
export function preciseTime(time: string): string {
  return PRECISE.format(new Date(time));
}

/** `22 Nov`. */
export function shortDay(time: string): string {
  return DAY.format(new Date(time));
}

/** `Sun, 22 Nov 2026, 14:03:22`. */
export function dateAndTime(time: string): string {
  return `${DATE.format(new Date(time))}, ${clockTime(time)}`;
}

/** Whether two times are of one day for the reader. */
export function sameDay(one: string, other: string | number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

/** `now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`; times ahead of the reader's clock are `now`. */
export function ago(time: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000);
  if (seconds < 2) {
    return "now";
  }
  return `${span(seconds)} ago`;
}

/** A span in its largest unit: `45 s`, `3 min`, `2 h`, `5 d`. */
export function span(seconds: number): string {
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** How much later `time` is than `reference`: `+12 ms`, `−1.5 s`. */
export function offset(time: string, reference: string): string {
  const milliseconds = Date.parse(time) - Date.parse(reference);
  const size = Math.abs(milliseconds);
  return `${milliseconds < 0 ? "−" : "+"}${size < 1000 ? `${size} ms` : `${(size / 1000).toFixed(1)} s`}`;
}
