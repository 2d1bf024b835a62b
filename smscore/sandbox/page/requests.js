// Failed requests: those that a provider refused, and those that met a fault.

import { answerWords } from "./answers.js";
import { get, on } from "./api.js";
import { byId, div, el, ltr, throttled } from "./dom.js";
import { clockTime, counted, number as written } from "./format.js";
import { t } from "./language.js";
import { badge, moment } from "./messagerow.js";
import { title } from "./providers.js";
import { raw } from "./raw.js";

const SHOWN = 50;
const NONE = "No request failed. Messages of those that succeeded are in the inbox.";
const LEAD = "Requests that a provider refused or that met a fault. The last 200 are kept and the newest 50 shown.";

const place = () => byId("view-requests");

export async function openRequests() {
  const list = el("ul", { id: "failed", class: "requests", role: "list" });
  place().replaceChildren(el("h1", {}, t("Failed requests")), el("p", { class: "lead" }, t(LEAD)), list);
  await showFailed();
}

async function showFailed() {
  const list = byId("failed");
  if (list === null) return;
  const failed = await get("/api/requests", { limit: SHOWN }).catch(() => null); // the next event tries again
  if (failed === null) return;
  const open = new Set([...list.querySelectorAll("details[open]")].map((each) => each.dataset.number));
  const none = el("li", { class: "card" }, el("p", { class: "nothing" }, t(NONE)));
  list.replaceChildren(...(failed.length ? failed.map((one) => item(one, open.has(String(one.number)))) : [none]));
}

function item(failed, isOpen) {
  const { number, provider, call, request, answer, messages } = failed;
  const fault = answer.fault ? t("fault: {}", t(answer.fault.replaceAll("_", " "))) : t("refused");
  const sent = messages ? t("{} accepted", counted(messages, "message")) : t("nothing accepted");
  const head = el(
    "summary",
    {},
    badge(provider),
    div("who", el("b", {}, ltr(answerWords(answer))), el("span", { class: "line" }, `${title(provider)} · `, ltr(call))),
    el("span", { class: "left" }, fault),
    el("span", { class: "line" }, sent),
    moment(failed.at, clockTime(failed.at)),
  );
  const parts = [
    raw(t("Request"), `${request.method} ${request.path}`, request.body, request.cut, request.headers),
    raw(t("Response"), answerWords(answer), answer.body, answer.cut, null),
  ];
  return el("li", { class: "card" }, el("details", { "data-number": number, open: isOpen }, head, parts));
}

export function repaintRequests() {
  count();
  if (!place().hidden) openRequests();
}

async function count() {
  const failed = await get("/api/requests", { limit: 200 }).catch(() => null);
  if (failed !== null) byId("request-count").textContent = failed.length ? written(failed.length) : "";
}

export function startRequests() {
  const soon = throttled(() => {
    count();
    if (!place().hidden) showFailed();
  }, 400);
  for (const kind of ["requests", "cleared", "connected"]) on(kind, soon);
}
