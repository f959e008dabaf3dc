import type { MouseEvent, ReactNode } from "react";
import { addressOf } from "../navigation/view";
import { useView } from "../navigation/useView";
import type { View } from "../navigation/view";

/** A link to another view: a real one, so that it can be copied or opened in another tab. */
export function ViewLink({ view, className, children }: { view: View; className?: string; children: ReactNode }) {
  const [, go] = useView();
  const follow = (event: MouseEvent): void => {
    if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      go(view);
    }
  };
  return (
    <a href={addressOf(view)} onClick={follow} className={className}>
      {children}
    </a>
  );
}
