/**
 * The panel that shows a visitor what the tracker sent and what the edge answered.
 *
 * It listens to the notices that the tracker dispatches on `window`, and keeps the latest of this
 * tab, so that a visit over several pages can be read from top to bottom.
 */

import { element } from "./element.js";

const KEY = "demo-panel";
const MAX_ENTRIES = 20;

/** Newest first: `{ key, time, types, payload, status, detail, answer }`. */
let entries = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
const list = element("ol", { class: "entries", "aria-live": "polite" });
const who = element("dl", { class: "who" });

/** Fills the page's panel and keeps it up to date. */
export function showPanel() {
  const forget = element("button", { type: "button", class: "plain", title: "Forget all ids and start over as somebody else" }, "New visitor");
  forget.addEventListener("click", becomeNew);
  document.getElementById("panel").append(
    element("header", {}, element("h2", {}, "What this page sends"), forget),
    who,
    list,
  );
  addEventListener("tideline:request", ({ detail }) => begin(detail));
  addEventListener("tideline:retry", ({ detail }) =>
    change(detail, { status: "waiting", detail: `${detail.reason}; again in ${seconds(detail)} s` }));
  addEventListener("tideline:kept", ({ detail }) =>
    change(detail, { status: "waiting", detail: `${detail.reason}; kept in this browser until it can be sent` }));
  addEventListener("tideline:failure", ({ detail }) => change(detail, { status: "failed", detail: detail.reason }));
  addEventListener("tideline:answer", ({ detail }) =>
    change(detail, {
      status: detail.status < 300 ? "answered" : "failed",
      detail: `${detail.status} in ${detail.milliseconds} ms`,
      answer: detail.body,
    }));
  show();
}

// Requests are counted per page; the page's own time makes the key unique in the tab.
const keyOf = ({ request }) => `${performance.timeOrigin}-${request}`;
const seconds = ({ milliseconds }) => (milliseconds / 1000).toFixed(1);

function begin(notice) {
  const entry = {
    key: keyOf(notice),
    time: new Date().toLocaleTimeString("en-GB"),
    types: notice.payload.events.map(({ type }) => type),
    payload: notice.payload,
    status: notice.beacon ? "answered" : "waiting",
    detail: notice.beacon ? "handed to the browser" : "sending",
  };
  entries = [entry, ...entries].slice(0, MAX_ENTRIES);
  keep();
}

function change(notice, changes) {
  entries = entries.map((entry) => (entry.key === keyOf(notice) ? { ...entry, ...changes } : entry));
  keep();
}

function keep() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(entries));
  } catch {
    // Full: the panel still shows this page's entries.
  }
  show();
}

function show() {
  const latest = entries.find(({ answer }) => answer?.profile);
  who.replaceChildren(
    element("dt", {}, "profile"), element("dd", { id: "profile-id" }, latest?.answer.profile.id ?? "not yet known"),
    element("dt", {}, "session"), element("dd", { id: "session-id" }, latest?.answer.session.id ?? "not yet known"),
  );
  const open = new Set([...list.querySelectorAll("details[open]")].map(({ dataset }) => dataset.key));
  list.replaceChildren(...entries.map((entry) => row(entry, open.has(entry.key))));
  if (entries.length === 0) {
    list.append(element("li", { class: "quiet" }, "Nothing yet."));
  }
}

function row({ key, time, types, payload, status, detail, answer }, open) {
  const details = element("details", { "data-key": key, ...(open ? { open: "" } : {}) },
    element("summary", {},
      element("span", { class: "types" }, types.join(", ")),
      element("span", { class: "result" }, `${time} · ${detail}`),
    ),
    element("h3", {}, "Sent: POST /track"), element("pre", {}, readable(payload)),
  );
  if (answer !== undefined) {
    details.append(element("h3", {}, "Answered"), element("pre", {}, JSON.stringify(answer, null, 2)));
  }
  return element("li", { class: status }, details);
}

/** The body with what matters most first; a server does not care for the order of keys. */
function readable({ events, session, profile, source, ...rest }) {
  return JSON.stringify({ events, session, profile, source, ...rest }, null, 2);
}

/** Drops every id and starts over, as somebody else. */
function becomeNew() {
  localStorage.clear();
  sessionStorage.clear();
  for (const pair of document.cookie.split(";")) {
    document.cookie = `${pair.split("=")[0].trim()}=; path=/; max-age=0`;
  }
  location.href = "index.html";
}
