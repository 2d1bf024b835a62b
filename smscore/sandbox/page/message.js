// One message: its text and details, its status to be set by hand, and the raw request and response.

import { answerWords } from "./answers.js";
import { attempt, get, on } from "./api.js";
import { codeIn } from "./codes.js";
import { byId, copyButton, div, el, icon, ltr, prose, section } from "./dom.js";
import { counted, fullTime, lineOf, lineText, number, personOf, phone, rials, statusWord } from "./format.js";
import { t } from "./language.js";
import { badge, codeButton, lostMark, moment, showStatus, statusPill } from "./messagerow.js";
import { raw } from "./raw.js";
import { title } from "./providers.js";

let shown = null; // the message in the page, or null

const place = () => byId("message");

/** Show the message at that place. */
export async function openMessage(seq) {
  place().hidden = false;
  if (shown?.seq !== seq) shown = { seq };
  try {
    const message = await get(`/api/messages/${seq}`);
    if (shown?.seq !== seq) return;
    shown = message;
    place().replaceChildren(...content(message));
    place().scrollTop = 0;
  } catch (error) {
    if (shown?.seq === seq) place().replaceChildren(closeBar(), el("p", { class: "nothing" }, error.message));
  }
}

export function closeMessage() {
  shown = null;
  place().hidden = true;
  place().replaceChildren();
}

function closeBar() {
  const names = { title: t("Close (Esc)"), "aria-label": t("Back to the inbox") };
  return div("closebar", el("a", { class: "quiet", href: "#/", ...names }, icon("back"), icon("close")));
}

function content(message) {
  const parts = [closeBar(), head(message), letter(message), facts(message), statuses(message), ...exchange(message)];
  return parts.filter(Boolean);
}

function head(message) {
  const person = personOf(message);
  const verb = t(message.direction === "in" ? "wrote to " : "from ");
  const line = el("span", { class: "line" }, verb, ltr(lineText(lineOf(message))), ` · ${title(message.provider)}`);
  return el(
    "header",
    {},
    badge(message.provider),
    div("who", el("h1", {}, ltr(phone(person))), line),
    el("a", { class: "quiet button", href: `#/phones/${encodeURIComponent(person)}` }, icon("phones"), t("Phone")),
    div("state", statusPill(message), lostMark(message)),
  );
}

function letter(message) {
  const code = message.direction === "in" ? null : codeIn(message.text);
  const tools = div("tools", codeButton(code), copyButton(message.text, t("Copy the text")));
  return div("letter", prose("p", "text", message.text), tools);
}

function facts(message) {
  const { direction, scheduled_for: due } = message;
  const incoming = direction === "in";
  const rows = [
    [t("Time"), moment(message.received_at, fullTime(message.received_at))],
    ...(due ? [[t("Scheduled for"), moment(due, fullTime(due))]] : []),
    [t("Call"), ltr(message.call)],
    [t("Size"), t("{}, {}", counted(message.parts, "part"), counted(message.characters, "character"))],
    [t("Cost"), rials(message.cost)],
    [t("Message id"), ltr(message.message_id ?? "—", { class: "mono" })],
    [t(incoming ? "Written by" : "Recipient"), ltr(personOf(message), { class: "mono" })],
  ];
  return el("dl", { class: "facts" }, rows.map(([name, value]) => div(null, el("dt", {}, name), el("dd", {}, value))));
}

// The status

function statuses(message) {
  if (!message.statuses?.length) return null;
  const buttons = message.statuses.map(({ code, status, status_words: words }) =>
    el(
      "button",
      { type: "button", "data-status": status, "data-code": code, onclick: () => setStatus(message.seq, code) },
      el("b", {}, statusWord(status ?? "unrecognized")),
      el("span", {}, ltr(number(code)), prose("span", null, words)),
    ),
  );
  const part = section("statuses", t("Set the status"), div("choices", buttons));
  showChosen(part, message.code);
  return part;
}

function showChosen(part, code) {
  for (const button of part.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.code === String(code)));
  }
}

async function setStatus(seq, code) {
  const answer = await attempt("PUT", `/api/messages/${seq}/status`, { code });
  if (answer !== undefined && shown?.seq === seq) openMessage(seq);
}

function onStatuses({ changed, more }) {
  if (shown === null) return;
  const change = changed.find((entry) => entry.seq === shown.seq);
  if (change) Object.assign(shown, change);
  else if (more) return void openMessage(shown.seq);
  const part = place().querySelector(".statuses");
  if (!change || !part) return;
  showChosen(part, shown.code);
  showStatus(place().querySelector("header .status"), shown);
}

/** Show that the message is gone, unless only another provider's messages were cleared. */
async function onCleared() {
  if (shown === null) return;
  const { seq } = shown;
  const { messages } = await get("/api/messages", { before: seq + 1, after: seq - 1 });
  if (shown?.seq !== seq || messages.length > 0) return;
  shown = { seq };
  place().replaceChildren(closeBar(), el("p", { class: "nothing" }, t("This message was cleared.")));
}

// The request and the response

function exchange({ request, answer }) {
  return [
    request && raw(t("Request"), `${request.method} ${request.path}`, request.body, request.cut, request.headers),
    answer && raw(t("Response"), answerWords(answer), answer.body, answer.cut, null),
  ];
}

/** Render the message again, e.g. after the language changed. */
export function repaintMessage() {
  if (shown?.text !== undefined) place().replaceChildren(...content(shown));
}

export function startMessage() {
  on("statuses", onStatuses);
  on("connected", () => shown && openMessage(shown.seq));
  on("cleared", onCleared);
}
