// How to reach the sandbox, its clock, and where it reports Najva's deliveries to.

import { attempt, call, choices, get, on } from "./api.js";
import { byId, el, ltr, note } from "./dom.js";
import { connectLines } from "./connect.js";
import { clockTime, counted, digits, duration, fullTime, number } from "./format.js";

const STEPS = [["1 min", 60], ["10 min", 600], ["1 h", 3600], ["4 h", 14400], ["1 day", 86400], ["30 days", 2592000]];
const KEYS = [["/", "search"], ["j  k", "next and previous message"], ["Enter", "open"], ["Esc", "close, or empty the search"]];

const place = () => byId("view-setup");

export async function openSetup() {
  const [{ providers }, clock, webhook] = await Promise.all([choices(), get("/api/clock"), get("/api/webhook")]);
  place().replaceChildren(
    el("h1", {}, "Setup"),
    el("section", { class: "card", "aria-label": "Connect a client" }, el("h2", {}, "Connect a client"), connectLines(providers)),
    el("div", { class: "columns" }, clockCard(clock), webhookCard(webhook)),
    keysCard(),
  );
}

// The clock

function clockCard(clock) {
  const buttons = STEPS.map(([words, seconds]) => el("button", { type: "button", onclick: () => advance(seconds) }, `+${digits(words)}`));
  return el(
    "section",
    { class: "card", "aria-label": "Clock" },
    el("h2", {}, "Clock"),
    el("div", { id: "clock" }, clockWords(clock)),
    el("div", { class: "choices" }, buttons),
    el("p", { class: "hint" }, "It only goes forward. Scheduled messages go out, statuses move, and old ids expire as it does."),
  );
}

function clockWords(clock) {
  const ahead = clock.ahead >= 1 ? `${duration(clock.ahead)} ahead` : "as this machine's";
  return [el("time", { class: "big", datetime: clock.now, dir: "auto" }, fullTime(clock.now)), el("span", { class: "hint" }, ahead)];
}

async function advance(seconds) {
  const clock = await attempt("PUT", "/api/clock", { advance: seconds });
  if (clock !== undefined) showClock();
}

async function showClock() {
  if (byId("clock") === null) return;
  const clock = await get("/api/clock").catch(() => null); // the next event asks again
  if (clock !== null) byId("clock")?.replaceChildren(...clockWords(clock));
}

// Najva's reports

function webhookCard(webhook) {
  const url = el("input", { id: "webhook-url", type: "url", placeholder: "http://127.0.0.1:8000/sms/report", value: webhook.url, dir: "ltr" });
  const method = el("select", { id: "webhook-method" }, ["GET", "POST"].map((name) => el("option", { selected: name === webhook.method }, name)));
  const form = el(
    "form",
    { class: "card", "aria-label": "Delivery reports" },
    el("h2", {}, "Najva's delivery reports"),
    el("p", { class: "hint" }, "Najva calls this address whenever a status moves, or is set by hand. Leave it empty for no reports."),
    el("div", { class: "fields" }, el("div", { class: "field wide" }, el("label", { for: url.id }, "Address"), url), el("div", { class: "field" }, el("label", { for: method.id }, "Method"), method)),
    el("div", { class: "buttons" }, el("button", { class: "primary" }, "Save")),
    lastReport(webhook),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await call("PUT", "/api/webhook", { url: url.value.trim() || null, method: method.value });
      note("Saved");
    } catch (error) {
      note(error.message, "error");
    }
  });
  return form;
}

function lastReport({ last, called, failed }) {
  if (last === null) return null;
  const fate = last.error ?? `HTTP ${digits(String(last.http_status))}`;
  return el(
    "p",
    { class: "hint" },
    `${counted(called, "report")}, ${number(failed)} failed. The last: status ${digits(String(last.status))} of message `,
    ltr(digits(last.message_id), { class: "mono" }),
    ` at ${clockTime(last.at)}, ${fate}.`,
  );
}

function keysCard() {
  const rows = KEYS.map(([keys, words]) => el("div", {}, el("dt", {}, keys.split("  ").map((key) => el("kbd", {}, key))), el("dd", {}, words)));
  return el("section", { class: "card", "aria-label": "Keys" }, el("h2", {}, "Keys"), el("dl", { class: "keys" }, rows));
}

export function repaintSetup() {
  if (!place().hidden) openSetup();
}

export function startSetup() {
  on("clock", showClock);
}
