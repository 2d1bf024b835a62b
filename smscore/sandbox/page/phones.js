// Conversations as the person with a phone sees them, and what the person writes back.

import { attempt, choices, get, on } from "./api.js";
import { codeIn } from "./codes.js";
import { byId, debounced, div, el, icon, ltr, note, prose, select, throttled } from "./dom.js";
import { clockTime, counted, date, digits, isLineNumber, lineOf, lineText, number as written, phone, when } from "./format.js";
import { t } from "./language.js";
import { e164, MAX_NUMBER_LENGTH, plainNumber, spellings } from "./numbers.js";
import { badge, codeButton, lostMark, moment, statusPill } from "./messagerow.js";
import { title } from "./providers.js";

const PIECE = 100; // bubbles shown at once
const MAX_NUMBERS = 200; // shown at once
const MAX_SEARCHED = 1000; // the server gives no more
const CHOOSE = "Choose a number to see its phone.";
const SEND = "Send a message, and its recipient's phone appears here.";
const SEARCHED = "Only the latest {} numbers were searched. Press Enter to open another.";
const MAX_TEXT = 10_000; // characters

let number = null; // whose phone it is
let bubbles = []; // the messages of that phone, oldest first
let shownFrom = 0;
let parts = null; // the elements that change

const place = () => byId("view-phones");
const isOpen = () => !place().hidden;

/** Show the list of numbers, and the phone of one of them. */
export async function openPhones(wanted) {
  const owner = wanted && (e164(wanted) ?? wanted);
  const isOther = owner !== number;
  number = owner;
  if (parts === null) await build();
  place().classList.toggle("chosen", number !== null);
  if (isOther) parts.chat.replaceChildren();
  await Promise.all([listNumbers(), number && readConversation(true)]);
}

async function build() {
  const words = t("Find or open a number");
  const box = { type: "search", inputmode: "tel", dir: "ltr", maxlength: MAX_NUMBER_LENGTH };
  const search = el("input", { ...box, placeholder: words, "aria-label": words });
  const list = el("ol", { class: "numbers", role: "list", "aria-label": t("Numbers") });
  const chat = div("chat");
  search.addEventListener("input", debounced(listNumbers, 150));
  search.addEventListener("keydown", (event) => event.key === "Enter" && openTyped(search.value));
  parts = { search, list, chat };
  place().replaceChildren(div("contacts", div("search", icon("search"), search), list), chat);
}

function openTyped(given) {
  const mobile = e164(given);
  if (mobile) location.hash = `#/phones/${encodeURIComponent(mobile)}`;
  else note(t("Write a mobile number, such as 0912 000 0000."), "error");
}

// The numbers

async function listNumbers() {
  const wanted = plainNumber(parts.search.value);
  const limit = wanted ? MAX_SEARCHED : MAX_NUMBERS;
  const conversations = await get("/api/conversations", { limit }).catch(() => null); // tried again soon
  if (conversations === null || wanted !== plainNumber(parts.search.value)) return;
  const found = conversations.filter((entry) => spellings(entry.number).some((each) => each.includes(wanted)));
  const rest = aboutTheRest(wanted, found.length, conversations.length === limit && limit);
  const below = rest ? [el("li", { class: "nothing" }, rest)] : [];
  parts.list.replaceChildren(...found.slice(0, MAX_NUMBERS).map(contact), ...below);
  if (number !== null) return;
  const hint = t(found.length ? CHOOSE : SEND);
  parts.chat.replaceChildren(el("p", { class: "nothing" }, hint));
}

/** The line below the numbers; `searched` is how many were searched, if there may be more. */
function aboutTheRest(wanted, count, searched) {
  if (wanted && searched) return t(SEARCHED, written(searched));
  if (searched || count > MAX_NUMBERS) return t("The latest {} numbers: search for others.", written(MAX_NUMBERS));
  if (count > 0) return null;
  return t(wanted ? "Press Enter to open this number." : "No messages yet.");
}

function contact({ number: owner, last, count }) {
  return el(
    "li",
    {},
    el(
      "a",
      { href: `#/phones/${encodeURIComponent(owner)}`, "aria-current": owner === number ? "true" : null },
      badge(last.provider),
      el("b", {}, ltr(phone(owner))),
      moment(last.received_at, when(last.received_at)),
      prose("span", "text", last.text),
      el("span", { class: "count", title: counted(count, "message") }, digits(String(count))),
    ),
  );
}

// The phone

async function readConversation(isNew) {
  const mine = number;
  try {
    const messages = await get(`/api/conversations/${encodeURIComponent(mine)}`);
    if (mine !== number) return;
    bubbles = messages;
    if (isNew || shownFrom > bubbles.length) shownFrom = Math.max(0, bubbles.length - PIECE);
    await showPhone(isNew);
  } catch (error) {
    if (mine === number) parts.chat.replaceChildren(el("p", { class: "nothing" }, error.message));
  }
}

async function showPhone(isNew) {
  const log = parts.chat.querySelector(".log");
  if (isNew || log === null) {
    const composer = await makeComposer();
    const empty = el("div", { class: "log", role: "log", "aria-label": t("Conversation"), tabindex: 0 });
    parts.chat.replaceChildren(el("header"), empty, composer);
  }
  parts.suggest();
  showHead();
  showBubbles(isNew);
}

/** The one-time code that was sent last. */
function latestCode() {
  const message = bubbles.findLast((each) => sentCode(each) !== null);
  return message ? sentCode(message) : null;
}

const sentCode = (message) => (message.direction === "in" ? null : codeIn(message.text));

function showHead() {
  const code = latestCode();
  parts.chat.querySelector("header").replaceChildren(
    el("a", { class: "quiet back", href: "#/phones", "aria-label": t("Back to the numbers") }, icon("back")),
    div("who", el("h1", {}, ltr(phone(number))), el("span", { class: "line" }, counted(bubbles.length, "message"))),
    code === null ? "" : div("latest", el("span", {}, t("Latest code")), codeButton(code)),
  );
}

function showBubbles(isNew) {
  const log = parts.chat.querySelector(".log");
  const isAtEnd = isNew || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const words = t("Show earlier messages ({})", digits(String(shownFrom)));
  const earlier = el("button", { type: "button", class: "quiet earlier", onclick: showEarlier }, words);
  log.replaceChildren(...(shownFrom > 0 ? [earlier] : []), ...withDays(bubbles.slice(shownFrom)));
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function showEarlier() {
  shownFrom = Math.max(0, shownFrom - PIECE);
  showBubbles(false);
}

function withDays(messages) {
  let day = null;
  return messages.flatMap((message) => {
    const its = date(message.received_at);
    const isNewDay = its !== day;
    day = its;
    return isNewDay ? [el("p", { class: "day", dir: "auto" }, its), bubble(message)] : [bubble(message)];
  });
}

function bubble(message) {
  const mine = message.direction === "in";
  const link = { class: "under", href: `#/message/${message.seq}`, "aria-label": t("Message {}", message.seq) };
  const time = moment(message.received_at, clockTime(message.received_at));
  return div(
    mine ? "bubble mine" : "bubble",
    el("span", { class: "line" }, badge(message.provider), mine ? t("to ") : "", ltr(lineText(lineOf(message)))),
    prose("p", "text", message.text),
    codeButton(sentCode(message)),
    el("a", link, time, mine ? null : [lostMark(message), statusPill(message)]),
  );
}

// Writing back

async function makeComposer() {
  const { providers } = await choices();
  const names = providers.map(({ name }) => [name, title(name)]);
  const provider = select({ "aria-label": t("Provider") }, names);
  const kind = { inputmode: "tel", dir: "ltr", maxlength: MAX_NUMBER_LENGTH };
  const line = el("input", { ...kind, "aria-label": t("Line"), list: "lines", required: true });
  const suggestions = el("datalist", { id: "lines" });
  const writing = { rows: 1, maxlength: MAX_TEXT, dir: "auto", required: true };
  const text = el("textarea", { ...writing, "aria-label": t("Text"), placeholder: t("Write as this phone…") });
  const send = el("button", { class: "primary", "aria-label": t("Send to the line"), title: t("Send (Enter)") }, icon("send"));
  const unread = el("p", { class: "hint" }, t("This provider has no call to read messages: only the sandbox shows it."));
  const form = el(
    "form",
    { class: "composer", "aria-label": t("Write to a line") },
    div("towards", el("span", {}, t("To")), provider, line, suggestions),
    div("writing", text, send),
    unread,
  );
  const suggestLine = () => {
    const chosen = providers.find(({ name }) => name === provider.value);
    unread.hidden = chosen.receives_messages;
    const own = linesOf(chosen);
    suggestions.replaceChildren(...own.map((value) => el("option", { value })));
    line.value = own[0] ?? "";
  };
  let isChosen = false; // by hand: it stays the same, whoever writes next
  const choose = () => (isChosen = true);
  parts.suggest = () => {
    if (isChosen || text.value !== "") return;
    provider.value = (bubbles.findLast(canBeAnswered) ?? bubbles.at(-1))?.provider ?? provider.value;
    suggestLine();
  };
  for (const input of [provider, line]) input.addEventListener("input", choose);
  provider.addEventListener("change", suggestLine);
  text.addEventListener("keydown", (event) => sendByEnter(event, form));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const message = { provider: provider.value, sender: number, number: line.value.trim(), text: text.value };
    if ((await attempt("POST", "/api/inbound", message)) !== undefined) text.value = "";
  });
  return form;
}

function sendByEnter(event, form) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
}

// The line of a voice call, and one that is a name, cannot be written to.
const canBeAnswered = (message) => isLineNumber(lineOf(message));

/** A provider's lines that can be written to: those that wrote to this phone, latest first, then its others. */
function linesOf({ name, lines }) {
  const used = bubbles.filter((message) => message.provider === name).map(lineOf).reverse();
  return [...new Set([...used, ...lines])].filter(isLineNumber);
}

/** Render everything again, after the language changed. */
export async function repaintPhones() {
  if (parts === null) return;
  parts = null;
  if (isOpen()) await Promise.all([build(), number && readConversation(true)]).then(listNumbers);
}

export function startPhones() {
  const readSoon = throttled(() => isOpen() && number && readConversation(false), 300);
  const listSoon = throttled(() => isOpen() && listNumbers(), 700);
  on("messages", ({ messages, count }) => {
    listSoon();
    const isOfThisPhone = (message) => [message.recipient, message.sender].includes(number);
    if (count > messages.length || messages.some(isOfThisPhone)) readSoon();
  });
  on("statuses", ({ changed, more }) => {
    const seqs = new Set(bubbles.slice(shownFrom).map((message) => message.seq));
    if (more || changed.some((change) => seqs.has(change.seq))) readSoon();
  });
  for (const kind of ["cleared", "connected"]) {
    on(kind, () => {
      listSoon();
      readSoon();
    });
  }
}
