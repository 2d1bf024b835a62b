// A message as a row of the inbox, and the small parts that other views share.

import { markOf } from "./answers.js";
import { codeIn } from "./codes.js";
import { copy, div, el, icon, ltr, prose } from "./dom.js";
import { counted, digits, fullTime, phone, rials, when } from "./format.js";
import { lineOf, lineText, personOf, statusOf, statusWord } from "./format.js";
import { t } from "./language.js";
import { hue, title } from "./providers.js";

export function badge(provider) {
  const name = title(provider);
  return el("span", { class: "badge", "data-hue": hue(provider), title: name, "aria-hidden": "true" }, name[0]);
}

export function statusPill(message) {
  const pill = el("span", { class: "status" });
  showStatus(pill, message);
  return pill;
}

export function showStatus(pill, message) {
  const status = statusOf(message);
  pill.dataset.status = status;
  pill.textContent = statusWord(status);
  pill.title = message.status_words ? `${message.code}: ${message.status_words}` : "";
}

/** A mark for a message whose client got no response, or null. */
export function lostMark(message) {
  const mark = markOf(message);
  return mark && el("span", { class: "lost", title: mark[1] }, mark[0]);
}

/** A button that copies a one-time code, or null without one. */
export function codeButton(code) {
  if (code === null) return null;
  const label = t("Copy the code {}", code);
  const names = { title: label, "aria-label": label };
  const button = el("button", { class: "code", type: "button", ...names }, ltr(digits(code)), icon("copy"));
  button.addEventListener("click", () => copy(code, button));
  return button;
}

export const moment = (iso, words) => el("time", { datetime: iso, title: fullTime(iso), dir: "auto" }, words);

const sizes = (message) => `${counted(message.parts, "part")} · ${counted(message.characters, "char")}`;

export function makeRow(message) {
  const incoming = message.direction === "in";
  const verb = t(incoming ? "to " : "from ");
  const line = el("span", { class: "line" }, verb, ltr(lineText(lineOf(message))), ` · ${title(message.provider)}`);
  const cost = message.cost === null ? "" : rials(message.cost);
  return el(
    "li",
    { class: "row", "data-seq": message.seq },
    badge(message.provider),
    div("who", el("a", { href: `#/message/${message.seq}` }, ltr(phone(personOf(message)))), line),
    prose("p", "text", message.text),
    codeButton(incoming ? null : codeIn(message.text)) ?? el("span", { class: "no-code" }),
    div("size", el("span", {}, sizes(message)), el("span", {}, cost)),
    div("state", statusPill(message), lostMark(message)),
    moment(message.received_at, when(message.received_at)),
  );
}

export function updateRow(row, message) {
  showStatus(row.querySelector(".status"), message);
}
