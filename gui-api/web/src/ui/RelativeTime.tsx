import { ago } from "../format/time";
import { useClockText } from "./clock";

/** How long ago something was, kept up to date. */
export function RelativeTime({ time }: { time: string }) {
  return <span className="nowrap">{useClockText((now) => ago(time, now))}</span>;
}
