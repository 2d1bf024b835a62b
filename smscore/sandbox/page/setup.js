// How to reach the sandbox, its clock, and where it sends delivery reports.

import { attempt, call, choices, get, on } from "./api.js";
import { byId, div, el, ltr, note, prose, section, select } from "./dom.js";
import { connectLines } from "./connect.js";
import { clockTime, counted, digits, duration, fullTime, number } from "./format.js";
import { keyList } from "./keys.js";
import { t } from "./language.js";
import { title } from "./providers.js";

const STEPS = [["1 min", 60], ["10 min", 600], ["1 h", 3600], ["4 h", 14400], ["1 day", 86400], ["30 days", 2592000]];
const REPORTED = "{}: every status change is sent to this address, as JSON in the body.";
const METHODS = ["GET", "POST"].map((name) => [name, name]);

const place = () => byId("view-setup");

export async function openSetup() {
  const [{ providers }, clock, webhook] = await Promise.all([choices(), get("/api/clock"), get("/api/webhook")]);
  place().replaceChildren(
    el("h1", {}, t("Setup")),
    section("card", t("Connect a client"), connectLines(providers)),
    div("columns", clockCard(clock), webhookCard(webhook, providers)),
    ...providers.filter(({ patterns }) => patterns.length).map(patternsCard),
    keysCard(),
  );
}

// The clock

function clockCard(clock) {
  const button = ([words, seconds]) =>
    el("button", { type: "button", onclick: () => advance(seconds) }, `+${t(words)}`);
  return section(
    "card",
    t("Clock"),
    el("div", { id: "clock" }, clockWords(clock)),
    div("choices", STEPS.map(button)),
    el("p", { class: "hint" }, t("It only goes forward. Scheduled messages are sent and statuses change as it does.")),
  );
}

function clockWords(clock) {
  const ahead = clock.ahead >= 1 ? t("{} ahead", duration(clock.ahead)) : t("same as this machine");
  const time = el("time", { class: "big", datetime: clock.now, dir: "auto" }, fullTime(clock.now));
  return [time, el("span", { class: "hint" }, ahead)];
}

async function advance(seconds) {
  const clock = await attempt("PUT", "/api/clock", { advance: seconds });
  if (clock !== undefined) showClock();
}

async function showClock() {
  if (byId("clock") === null) return;
  const clock = await get("/api/clock").catch(() => null); // the next event tries again
  if (clock !== null) byId("clock")?.replaceChildren(...clockWords(clock));
}

// Delivery reports

function webhookCard(webhook, providers) {
  const callers = providers.filter((provider) => provider.calls_webhook).map(({ name }) => title(name));
  if (callers.length === 0) return null;
  const placeholder = "http://127.0.0.1:8000/sms/report";
  const url = el("input", { id: "webhook-url", type: "url", placeholder, value: webhook.url, dir: "ltr" });
  const method = select({ id: "webhook-method" }, METHODS, webhook.method);
  const fields = [
    div("field wide", el("label", { for: url.id }, t("Address")), url),
    div("field", el("label", { for: method.id }, t("Method")), method),
  ];
  const form = el(
    "form",
    { class: "card", "aria-label": t("Delivery reports") },
    el("h2", {}, t("Delivery reports")),
    el("p", { class: "hint" }, t(REPORTED, callers.join(", "))),
    el("p", { class: "hint" }, t("Leave it empty for no reports.")),
    div("fields", fields),
    div("buttons", el("button", { class: "primary" }, t("Save"))),
    lastReport(webhook),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await call("PUT", "/api/webhook", { url: url.value.trim() || null, method: method.value });
      note(t("Saved"));
    } catch (error) {
      note(error.message, "error");
    }
  });
  return form;
}

function lastReport({ last, called, failed }) {
  if (last === null) return null;
  const result = last.error ?? `HTTP ${digits(String(last.http_status))}`;
  return el(
    "p",
    { class: "hint" },
    t("{}, {} failed. ", counted(called, "report"), number(failed)),
    t("Last: status {} of message ", digits(String(last.status))),
    ltr(digits(last.message_id), { class: "mono" }),
    t(" at {}, {}.", clockTime(last.at), result),
  );
}

// The patterns that a send may name

function patternsCard({ name, patterns }) {
  const row = ({ code, text }) =>
    el("tr", {}, el("th", { scope: "row" }, ltr(code, { class: "mono" })), el("td", {}, prose("span", null, text)));
  return section(
    "card",
    t("{}'s patterns", title(name)),
    el("p", { class: "hint" }, t("A send may name one of these. Add those of your panel with PUT /api/patterns.")),
    el("table", {}, el("tbody", {}, patterns.map(row))),
  );
}

const keysCard = () => section("card", t("Keys"), keyList());

export function repaintSetup() {
  if (!place().hidden) openSetup();
}

export function startSetup() {
  on("clock", showClock);
}
