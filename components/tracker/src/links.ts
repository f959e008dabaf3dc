/**
 * Links to other sites of the same owner: at the click, and only for its duration, they carry the pass.
 *
 * The pass is in the link no longer than the browser needs to follow it, so it is not copied with the
 * link's address. Links to any other host are never touched.
 */
import { withPass } from "./pass";
import type { Pass } from "./pass";

/** The address that a link to `target` gets on the page `here`; null when it stays as it is. */
export function onwardAddress(target: string, here: URL, domains: readonly string[], pass: Pass): string | null {
  let address: URL;
  try {
    address = new URL(target, here);
  } catch {
    return null;
  }
  const known = domains.includes(address.host) || domains.includes(address.hostname);
  const web = address.protocol === "https:" || address.protocol === "http:";
  // Pages of one origin share what the tracker keeps.
  return known && web && address.origin !== here.origin ? withPass(address, pass) : null;
}

/** From now on, links of this page to one of `domains` carry what `passNow` gives at the click. */
export function passOnLinks(view: Window, domains: readonly string[], passNow: () => Pass | null): void {
  const follow = (event: MouseEvent): void => {
    const link = event.composedPath().find(isLink);
    const pass = link === undefined ? null : passNow();
    // A click of the right button opens a menu, in which the address can be copied.
    if (link === undefined || pass === null || event.button === 2) {
      return;
    }
    const written = link.getAttribute("href")!;
    const onward = onwardAddress(link.href, new URL(view.location.href), domains, pass);
    if (onward !== null) {
      link.href = onward;
      setTimeout(() => {
        if (link.href === onward) {
          link.setAttribute("href", written);
        }
      });
    }
  };
  // Before all other handlers, as one of the page's may read the link's address. The keyboard clicks, too.
  view.addEventListener("click", follow, true);
  view.addEventListener("auxclick", follow, true);
}

function isLink(node: EventTarget): node is HTMLAnchorElement | HTMLAreaElement {
  return (node instanceof HTMLAnchorElement || node instanceof HTMLAreaElement) && node.hasAttribute("href");
}
