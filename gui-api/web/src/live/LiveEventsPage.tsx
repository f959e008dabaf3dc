import { useCallback, useEffect, useMemo, useRef } from "react";
import { EventDetail } from "../detail/EventDetail";
import { useView } from "../navigation/useView";
import { Icon } from "../ui/Icon";
import { Logo } from "../ui/Logo";
import { ConnectionStatus } from "./ConnectionStatus";
import { EventTable } from "./EventTable";
import { FilterBar } from "./FilterBar";
import styles from "./LiveEventsPage.module.css";
import { ListFooter } from "./ListFooter";
import { ListState } from "./ListState";
import { Notices } from "./Notices";
import { PauseButton } from "./PauseButton";
import { useLiveEvents } from "./useLiveEvents";
import { usePageKeys } from "./usePageKeys";

/** The page: filters, the live list, and beside it the event that is open. */
export function LiveEventsPage({ onSignOut }: { onSignOut: () => void }) {
  const [view, go] = useView();
  const { type, source, session, profile, where } = view.filter;
  // The address also changes when an event is opened: the stream must not begin anew then.
  const filter = useMemo(() => ({ type, source, session, profile, where }), [type, source, session, profile, where]);
  const live = useLiveEvents(filter);
  const { feed } = live;
  const filterBar = useRef<HTMLDivElement>(null);
  const scroll = useRef<HTMLDivElement>(null);

  const open = useCallback(
    (id: string | null, how: "push" | "replace" = "push") => go({ filter, event: id }, how),
    [filter, go],
  );
  const openIndex = feed.rows.findIndex(({ event }) => event.id === view.event);
  const neighbour = (step: number): string | null => (openIndex < 0 ? null : (feed.rows[openIndex + step]?.event.id ?? null));

  const resume = (): void => {
    live.resume();
    scroll.current?.scrollTo({ top: 0 });
  };

  usePageKeys({
    Escape: () => view.event !== null && open(null),
    "/": () => filterBar.current?.querySelector("input")?.focus(),
    p: feed.paused ? resume : live.pause,
  });

  useEffect(() => {
    document.title = feed.paused && feed.held.length > 0 ? `(${feed.held.length}) Live events · Tideline` : "Live events · Tideline";
  }, [feed.paused, feed.held.length]);

  return (
    <div className={view.event === null ? styles["page"] : `${styles["page"]} ${styles["withDetail"]}`}>
      <header className={styles["header"]}>
        <Logo />
        <h1>Live events</h1>
        <ConnectionStatus connection={feed.connection} onRetry={live.retry} />
        <button type="button" className="button bare" onClick={onSignOut}>
          <Icon name="signOut" />
          <span className={styles["signOut"]}>Sign out</span>
        </button>
      </header>

      <main className={styles["list"]}>
        <div className={styles["toolbar"]} ref={filterBar}>
          <FilterBar filter={filter} problem={feed.problem} rows={feed.rows} onChange={(next) => go({ filter: next, event: view.event })} />
          <PauseButton paused={feed.paused} held={feed.held.length} onPause={live.pause} onResume={resume} />
        </div>
        <Notices feed={feed} onRetry={live.retry} />
        <div className={styles["scroll"]} ref={scroll}>
          {feed.rows.length > 0 ? (
            <>
              <EventTable rows={feed.rows} openId={view.event} onOpen={open} />
              <ListFooter feed={feed} onLoadOlder={live.loadOlder} />
            </>
          ) : (
            <ListState feed={feed} filter={filter} onRetry={live.retry} onLoadOlder={live.loadOlder} />
          )}
        </div>
      </main>

      {view.event !== null && (
        <EventDetail
          id={view.event}
          known={feed.rows[openIndex]?.event ?? null}
          newer={neighbour(-1)}
          older={neighbour(1)}
          onOpen={(id) => open(id, "replace")}
          onClose={() => open(null)}
        />
      )}
    </div>
  );
}
