// The page: which view is open, by the part of the address after #; and the keys.

import { choices, listen, on } from "./api.js";
import { byId, note } from "./dom.js";
import { openFaults, repaintFaults, startFaults } from "./faults.js";
import { showKeys } from "./keys.js";
import { mark, move, startInbox } from "./inbox.js";
import { closeMessage, openMessage, repaintMessage, startMessage } from "./message.js";
import { openPhones, repaintPhones, startPhones } from "./phones.js";
import { t } from "./language.js";
import { numberIn } from "./numbers.js";
import { onLanguageChanged, startPreferences } from "./preferences.js";
import { setProviders } from "./providers.js";
import { openRequests, repaintRequests, startRequests } from "./requests.js";
import { openSetup, repaintSetup, startSetup } from "./setup.js";

const VIEWS = ["inbox", "phones", "requests", "faults", "setup"];

/** The first pattern that an address matches names its view, and the function that shows it. */
const ROUTES = [
  [/^#\/message\/(\d+)$/, "inbox", (seq) => openOne(Number(seq))],
  [/^#\/phones(?:\/(.+))?$/, "phones", openPhoneAt],
  [/^#\/requests$/, "requests", openRequests],
  [/^#\/faults$/, "faults", openFaults],
  [/^#\/setup$/, "setup", openSetup],
  [/^/, "inbox", closeOne],
];

function route() {
  const [pattern, view, open] = ROUTES.find(([each]) => each.test(location.hash));
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  open(pattern.exec(location.hash)[1]);
}

function openPhoneAt(part) {
  const number = part ? numberIn(part) : null;
  if (part && number === null) note(t("There is no number in this address: choose one here."), "error");
  return openPhones(number);
}

function openOne(seq) {
  byId("view-inbox").classList.add("split");
  mark(seq);
  return openMessage(seq);
}

function closeOne() {
  byId("view-inbox").classList.remove("split");
  mark(null);
  closeMessage();
}

// Keys

/** Whether the arrow keys scroll the element with the focus: an open message, or a body in it. */
const isScrolling = (element) => element.closest("#message") !== null;
const isTyping = (element) => element.matches("input, select, textarea");
const isMessageOpen = () => location.hash.startsWith("#/message/");

const INBOX_KEYS = {
  "/": () => byId("search-text").select(),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
};
const KEYS = { "?": showKeys };

function step(by) {
  const message = move(by);
  if (message === null || !isMessageOpen()) return;
  history.replaceState(null, "", `#/message/${message.seq}`);
  route();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return escape(event.target);
  if (isTyping(event.target)) return;
  const work = KEYS[event.key] ?? (byId("view-inbox").hidden || isScrolling(event.target) ? null : INBOX_KEYS[event.key]);
  if (!work) return;
  event.preventDefault();
  work();
}

function escape(element) {
  if (isTyping(element)) {
    if (element.type === "search" && element.value) {
      element.value = "";
      element.dispatchEvent(new Event("input", { bubbles: true }));
    }
    element.blur();
  } else if (isMessageOpen()) location.hash = "#/";
}

// Whether the live events arrive

const LINKS = { connecting: "Connecting", live: "Live", away: "Reconnecting" };

function showLink(state = byId("link").dataset.state) {
  byId("link").dataset.state = state;
  byId("link").lastElementChild.textContent = t(LINKS[state]);
}

async function start() {
  window.addEventListener("unhandledrejection", ({ reason }) => note(reason.message, "error"));
  startPreferences();
  setProviders((await choices()).providers); // first, as every row shows a provider's title
  on("connected", () => showLink("live"));
  on("disconnected", () => showLink("away"));
  startInbox();
  startMessage();
  startPhones();
  startRequests();
  startFaults();
  startSetup();
  const repaints = [showLink, repaintMessage, repaintPhones, repaintRequests, repaintFaults, repaintSetup];
  onLanguageChanged(() => repaints.forEach((repaint) => repaint()));
  window.addEventListener("hashchange", route);
  document.addEventListener("keydown", onKey);
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  route();
  listen();
}

start();
