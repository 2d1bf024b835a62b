// One message as a row of the inbox, and the small pieces that other views show too.

import { copy, el, icon, ltr, prose } from "./dom.js";
import { codeIn, counted, digits, fullTime, lineOf, personOf, phone, rials, statusOf, statusWord, when } from "./format.js";
import { hue, title } from "./providers.js";

export function badge(provider) {
  return el("span", { class: "badge", "data-hue": hue(provider), title: title(provider), "aria-hidden": "true" }, title(provider)[0]);
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

/** A button that copies the one-time code of a text, or null where the text gives none. */
export function codeButton(code) {
  if (code === null) return null;
  const label = `Copy the code ${code}`;
  const button = el("button", { class: "code", type: "button", title: label, "aria-label": label }, ltr(digits(code)), icon("copy"));
  button.addEventListener("click", () => copy(code, button));
  return button;
}

export const moment = (iso, words) => el("time", { datetime: iso, title: fullTime(iso), dir: "auto" }, words);

const sizes = (message) => `${counted(message.parts, "part")} · ${counted(message.characters, "char")}`;

export function makeRow(message) {
  const incoming = message.direction === "in";
  const person = phone(personOf(message));
  return el(
    "li",
    { class: "row", "data-direction": message.direction, "data-seq": message.seq },
    badge(message.provider),
    el(
      "div",
      { class: "who" },
      el("a", { href: `#/message/${message.seq}` }, ltr(person)),
      el("span", { class: "line" }, incoming ? "to " : "from ", ltr(digits(lineOf(message))), ` · ${title(message.provider)}`),
    ),
    prose("p", "text", message.text),
    codeButton(incoming ? null : codeIn(message.text)) ?? el("span", { class: "no-code" }),
    el("div", { class: "size" }, el("span", {}, sizes(message)), el("span", {}, message.cost === null ? "" : rials(message.cost))),
    statusPill(message),
    moment(message.received_at, when(message.received_at)),
  );
}

export function updateRow(row, message) {
  showStatus(row.querySelector(".status"), message);
}
