// The inbox: every message, newest first, live, with search and filters.

import { attempt, choices, get, on } from "./api.js";
import { byId, debounced, el, note, throttled } from "./dom.js";
import { emptyState } from "./connect.js";
import { counted, number, STATUSES } from "./format.js";
import { t } from "./language.js";
import { makeRow, updateRow } from "./messagerow.js";
import { onLanguageChanged } from "./preferences.js";
import { title } from "./providers.js";
import { WindowedList } from "./rows.js";

const PAGE = 200;
const MAX_AT_TOP = 5000; // rows kept while new ones arrive; scrolling loads older ones again

const filters = { provider: "", status: "", number: "", text: "" };
let total = 0;
let matching = null;
let waiting = 0; // new messages that are not shown yet, as the reader has scrolled down
let waitingIsLeast = false;
let isComplete = false;
let isReloading = false;
let isLoadingMore = false;
let hasMissed = false; // something came while the list was being reloaded
let generation = 0; // of the list: answers to requests of an older one are ignored
let list;

const isFiltered = () => Object.values(filters).some(Boolean);

function query(more) {
  const { status, ...rest } = filters;
  const kind = status === "received" ? { direction: "in" } : { status };
  return { ...rest, ...kind, limit: PAGE, ...more };
}

// What the list holds

function replace(messages, hasAll) {
  list.items = messages;
  isComplete = hasAll;
}

const show = () => list.paintSoon();

/** Update what surrounds the rows, in the same frame as they. */
function showAround() {
  byId("total").textContent = total ? number(total) : "";
  const found = matching === null ? "" : t("{} of {}", number(matching), number(total));
  byId("count").textContent = isFiltered() ? found : counted(total, "message");
  byId("fresh").hidden = waiting === 0;
  byId("fresh").lastElementChild.textContent = counted(waiting, "new message", waitingIsLeast ? "+" : "");
  byId("clear").disabled = total === 0;
  showEmpty();
  showMark();
}

function showEmpty() {
  const isEmpty = list.items.length === 0 && !isReloading;
  const kind = !isEmpty ? "" : total > 0 || isFiltered() ? "nothing" : "first";
  const place = byId("empty");
  place.hidden = !isEmpty;
  if (place.dataset.kind === kind) return;
  place.dataset.kind = kind;
  place.replaceChildren();
  if (kind === "nothing") place.append(...nothingFound());
  if (kind === "first") emptyState().then((content) => place.dataset.kind === "first" && place.replaceChildren(content));
}

function nothingFound() {
  const showAll = el("button", { type: "button", onclick: resetFilters }, t("Show all"));
  return [el("p", { class: "nothing" }, t("No message matches.")), showAll];
}

/** Reload the newest messages, and go to the top. */
async function reload() {
  const mine = (generation += 1);
  isReloading = true;
  hasMissed = false;
  try {
    const page = await get("/api/messages", query());
    if (mine !== generation) return;
    ({ total, matching } = page);
    waiting = 0;
    list.viewport.scrollTop = 0;
    replace(page.messages, page.messages.length < PAGE);
    list.repaintAll(); // after a restart the sandbox counts from 1 again: the same seq is another message
  } catch (error) {
    note(t("The messages could not be read: {}", error.message), "error");
  }
  if (mine !== generation) return;
  isReloading = false;
  if (hasMissed) refreshSoon();
  show();
}

/** Load the newest messages; show them at the top, or count them for a reader further down. */
async function refresh() {
  const mine = generation;
  const page = await get("/api/messages", query()).catch(() => null); // the next event tries again
  if (page === null || mine !== generation) return;
  const isAnotherSandbox = !isFiltered() && (page.messages[0]?.seq ?? -1) < (list.items[0]?.seq ?? -1);
  if (isAnotherSandbox) return void reload();
  ({ total, matching } = page);
  take(page.messages, page.messages.length < PAGE);
  show();
}

/** Take in the newest messages, newest first; `isAll` if there are no older ones. */
function take(messages, isAll) {
  const newest = list.items[0]?.seq ?? -1;
  const fresh = messages.filter((message) => message.seq > newest);
  const mayGap = fresh.length === messages.length && !isAll && messages.at(-1)?.seq > newest + 1;
  if (!list.isAtTop) {
    waiting = fresh.length;
    waitingIsLeast = mayGap;
    return patch(messages);
  }
  waiting = 0;
  if (mayGap) return replace(messages, false);
  if (filters.status) list.items = without(messages, isAll);
  list.items = [...fresh, ...list.items];
  patch(messages);
  if (list.items.length > MAX_AT_TOP) replace(list.items.slice(0, PAGE), false);
}

/** The list without messages whose new status does not match the filter any more. */
function without(messages, isAll) {
  const kept = new Set(messages.map((message) => message.seq));
  const oldest = isAll ? -1 : messages.at(-1).seq;
  return list.items.filter((item) => item.seq < oldest || kept.has(item.seq));
}

/** Show changed statuses; each change has a seq and the new values. */
function patch(changes) {
  if (list.items.length === 0) return;
  for (const change of changes) {
    const index = indexOf(change.seq);
    const known = list.items[index];
    if (index === -1 || (known.code === change.code && known.status === change.status)) continue;
    list.items[index] = { ...known, ...change };
  }
  list.paintSoon();
}

/** By binary search: the list is sorted by descending seq. */
function indexOf(seq) {
  let low = 0;
  let high = list.items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list.items[middle].seq > seq) low = middle + 1;
    else high = middle;
  }
  return list.items[low]?.seq === seq ? low : -1;
}

async function loadMore() {
  if (isComplete || isReloading || isLoadingMore || list.items.length === 0) return;
  const last = list.items.at(-1).seq;
  isLoadingMore = true;
  try {
    const page = await get("/api/messages", query({ before: last }));
    if (list.items.at(-1)?.seq === last) {
      list.items.push(...page.messages);
      isComplete = page.messages.length < PAGE;
    }
  } catch (error) {
    note(t("Older messages could not be read: {}", error.message), "error");
  }
  isLoadingMore = false;
  show();
}

// Live

const refreshSoon = throttled(refresh, 400);

const ENOUGH = 30; // rows that fill a window

function onMessages({ messages, count, total: kept }) {
  total = kept;
  announce(count);
  hasMissed = true;
  if (isReloading) return;
  if (isFiltered() || messages.length < Math.min(count, ENOUGH)) return refreshSoon();
  if (list.isAtTop) take(messages, kept === messages.length);
  else waiting += count;
  show();
}

function onStatuses(event) {
  patch(event.changed);
  if (event.more || filters.status) refreshSoon();
}

const TITLE = "Payamak sandbox";
let unseen = 0; // messages that came while the page was not visible
let unannounced = 0;
const announceSoon = throttled(() => {
  byId("announcer").textContent = `${counted(unannounced, "new message")}.`;
  unannounced = 0;
}, 5000);

function announce(count) {
  unannounced += count;
  announceSoon();
  if (!document.hidden) return;
  unseen += count;
  document.title = `(${number(unseen)}) ${t(TITLE)}`;
}

function onVisible() {
  if (document.hidden) return;
  unseen = 0;
  document.title = t(TITLE);
  refreshSoon();
}

// Filters

function resetFilters() {
  byId("search-text").value = "";
  byId("search-number").value = "";
  byId("status").value = "";
  setProvider("");
  search();
}

function setProvider(name) {
  filters.provider = name;
  byId("provider").value = name;
  for (const button of byId("providers").children) button.setAttribute("aria-pressed", String(button.value === name));
}

function choose(provider) {
  setProvider(provider);
  search();
}

function search() {
  filters.text = byId("search-text").value;
  filters.number = byId("search-number").value.trim();
  filters.status = byId("status").value;
  matching = null; // until the response
  reload();
}

async function buildFilters() {
  const options = [["", "Any status"], ...Object.entries(STATUSES), ["received", "Received"]];
  byId("status").replaceChildren(...options.map(([value, words]) => el("option", { value }, t(words))));
  byId("status").value = filters.status;
  const names = (await choices()).providers.map((provider) => provider.name);
  const option = (value, words) => el("option", { value }, words);
  const button = (value, words) => el("button", { type: "button", value, onclick: () => choose(value) }, words);
  byId("providers").replaceChildren(button("", t("All")), ...names.map((name) => button(name, title(name))));
  byId("provider").replaceChildren(option("", t("Any provider")), ...names.map((name) => option(name, title(name))));
  setProvider(filters.provider);
}

// Clearing

async function clear() {
  const dialog = byId("confirm");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue === "yes") await attempt("DELETE", "/api/messages");
}

function onCleared() {
  total = 0;
  reload();
}

// Moving with the keys

let cursor = null; // the seq of the row from which j and k move

/** Move by `step` rows; returns the message there, or null if there is none. */
export function move(step) {
  if (list.items.length === 0) return null;
  const from = cursor === null ? -1 : indexOf(cursor);
  const index = Math.max(0, Math.min(list.items.length - 1, from === -1 ? 0 : from + step));
  cursor = list.items[index].seq;
  list.reveal(index)?.querySelector("a").focus({ preventScroll: true });
  return list.items[index];
}

/** Mark the message that is open, or none. */
export function mark(seq) {
  if (seq !== null) cursor = seq;
  list.marked = seq;
  showMark();
}

function showMark() {
  for (const { row, item } of list.rows.values()) {
    const link = row.querySelector("a");
    if (item.seq === list.marked) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

export function startInbox() {
  list = new WindowedList({
    viewport: byId("list"),
    canvas: byId("rows"),
    keyOf: (message) => message.seq,
    make: makeRow,
    update: updateRow,
    onEnd: loadMore,
    onPaint: showAround,
  });
  list.viewport.addEventListener("scroll", () => waiting && list.isAtTop && reload(), { passive: true });
  byId("fresh").addEventListener("click", reload);
  byId("clear").addEventListener("click", clear);
  byId("view-inbox").querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  const soon = debounced(search, 200);
  for (const id of ["search-text", "search-number"]) byId(id).addEventListener("input", soon);
  byId("status").addEventListener("change", search);
  byId("provider").addEventListener("change", (event) => choose(event.target.value));
  onLanguageChanged(() => {
    byId("empty").dataset.kind = "stale";
    buildFilters();
    list.repaintAll();
    show();
  });
  on("messages", onMessages);
  on("statuses", onStatuses);
  on("cleared", onCleared);
  on("connected", () => (list.isAtTop ? reload() : refreshSoon()));
  document.addEventListener("visibilitychange", onVisible);
  buildFilters();
  reload();
}
