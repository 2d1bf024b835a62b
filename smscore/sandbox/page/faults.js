// Faults that the next calls are to meet, and the recipients that have one for good.

import { attempt, choices, get, on } from "./api.js";
import { byId, copyButton, el, icon, ltr, prose } from "./dom.js";
import { counted, digits, duration } from "./format.js";
import { badge } from "./messagerow.js";
import { title } from "./providers.js";

let active = [];

const place = () => byId("view-faults");

export async function openFaults() {
  const [{ providers, fault_kinds: kinds, magic_recipients: magic }] = await Promise.all([choices(), readFaults()]);
  place().replaceChildren(
    el("h1", {}, "Faults"),
    el("p", { class: "lead" }, "What can go wrong with a real provider goes wrong here when you say so."),
    makeForm(providers, kinds),
    el("section", { class: "card", "aria-label": "Active faults" }, el("h2", {}, "Active"), el("div", { id: "active" })),
    magicTable(magic),
  );
  showActive();
}

// Setting one

function makeForm(providers, kinds) {
  const option = (value, words = value) => el("option", { value }, words);
  const kind = el("select", { id: "fault-kind" }, kinds.map((entry) => option(entry.kind, entry.kind.replaceAll("_", " "))));
  const provider = el("select", { id: "fault-provider" }, option("", "any provider"), providers.map(({ name }) => option(name, title(name))));
  const apiCall = el("select", { id: "fault-call" });
  const number = el("input", { id: "fault-number", placeholder: "any number", inputmode: "tel", dir: "ltr" });
  const lasting = el("select", { id: "fault-lasting" }, option("next", "for the next"), option("always", "until cleared"));
  const times = el("input", { id: "fault-times", type: "number", min: 1, value: 1, "aria-label": "Calls" });
  const code = el("select", { id: "fault-code" });
  const seconds = el("input", { id: "fault-seconds", type: "number", min: 0, max: 600, step: "any", value: 5 });
  const words = el("p", { class: "hint", id: "fault-words" });
  const field = (label, input) => el("div", { class: "field" }, el("label", { for: input.id }, label), input);
  const codeField = field("Code", code);
  const secondsField = field("Seconds", seconds);

  const chosen = () => kinds.find((entry) => entry.kind === kind.value);
  const owners = () => providers.filter(({ name }) => !provider.value || name === provider.value);
  const fillCalls = () => apiCall.replaceChildren(option("", "any call"), ...[...new Set(owners().flatMap(({ calls }) => calls))].map((value) => option(value)));
  const fillCodes = () => code.replaceChildren(...owners().flatMap((owner) => codesOf(owner, !provider.value)));
  const showNeeded = () => {
    const { needs } = chosen();
    words.textContent = chosen().words;
    codeField.hidden = !needs.includes("code");
    secondsField.hidden = !needs.includes("seconds");
    times.hidden = lasting.value !== "next";
  };
  provider.addEventListener("change", () => (fillCalls(), fillCodes()));
  kind.addEventListener("change", showNeeded);
  lasting.addEventListener("change", showNeeded);
  fillCalls();
  fillCodes();
  showNeeded();

  const form = el(
    "form",
    { class: "card faultform", "aria-label": "Set a fault" },
    el("h2", {}, "Set a fault"),
    el(
      "div",
      { class: "fields" },
      field("What happens", kind),
      field("Provider", provider),
      codeField,
      secondsField,
      field("Call", apiCall),
      field("Number", number),
      el("div", { class: "field" }, el("label", { for: "fault-lasting" }, "How long"), el("div", { class: "pair" }, lasting, times)),
    ),
    words,
    el("div", { class: "buttons" }, el("button", { class: "primary" }, "Set the fault")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fault = { kind: kind.value, times: lasting.value === "next" ? Number(times.value) : null };
    if (provider.value) fault.provider = provider.value;
    if (apiCall.value) fault.call = apiCall.value;
    if (number.value.trim()) fault.number = number.value.trim();
    if (!codeField.hidden) fault.code = Number(code.value);
    if (!secondsField.hidden) fault.seconds = Number(seconds.value);
    if ((await attempt("POST", "/api/faults", fault)) !== undefined) refresh();
  });
  return form;
}

function codesOf(owner, isNamed) {
  return owner.error_codes.map((entry) => el("option", { value: entry.code }, `${isNamed ? `${title(owner.name)} ` : ""}${entry.code} ${entry.words}`));
}

// Those that are set

async function readFaults() {
  active = await get("/api/faults");
  byId("fault-count").textContent = active.length ? digits(String(active.length)) : "";
}

async function refresh() {
  await readFaults().catch(() => null); // the next event asks again
  showActive();
}

function showActive() {
  const box = byId("active");
  if (box === null) return;
  if (active.length === 0) return box.replaceChildren(el("p", { class: "nothing" }, "No fault is set: every call is answered as the provider's document says."));
  box.replaceChildren(
    el("ul", { class: "plain" }, active.map(item)),
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: clearAll }, "Clear all faults")),
  );
}

function item(fault) {
  const where = [fault.provider ? title(fault.provider) : "any provider", fault.call ?? "any call"].join(", ");
  const kind = fault.kind.replaceAll("_", " ");
  const detail = [fault.code, fault.seconds === null ? null : duration(fault.seconds)].filter((value) => value !== null).join(", ");
  return el(
    "li",
    {},
    fault.provider ? badge(fault.provider) : el("span", { class: "badge any", "aria-hidden": "true" }, icon("faults")),
    el("div", { class: "who" }, el("b", {}, kind, detail && ` ${digits(detail)}`), el("span", { class: "line" }, where, fault.number && ", ", fault.number && ltr(digits(fault.number)))),
    el("span", { class: "left" }, fault.left === null ? "until cleared" : `${counted(fault.left, "call")} left`),
    el("button", { type: "button", class: "quiet", "aria-label": `Clear the fault ${kind}`, title: "Clear", onclick: () => clearOne(fault.id) }, icon("close")),
  );
}

async function clearOne(id) {
  if ((await attempt("DELETE", `/api/faults/${encodeURIComponent(id)}`)) !== undefined) refresh();
}

async function clearAll() {
  if ((await attempt("DELETE", "/api/faults")) !== undefined) refresh();
}

// Magic recipients

function magicTable(magic) {
  const row = ({ recipient, words }) => el("tr", {}, el("th", { scope: "row" }, ltr(recipient, { class: "mono" }), copyButton(recipient, `Copy ${recipient}`)), el("td", {}, prose("span", "", words)));
  return el(
    "section",
    { class: "card", "aria-label": "Magic recipients" },
    el("h2", {}, "Magic recipients"),
    el("p", { class: "hint" }, "A message to one of these meets the same fate every time, without any setting."),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Recipient"), el("th", { scope: "col" }, "What happens"))), el("tbody", {}, magic.map(row))),
  );
}

export function repaintFaults() {
  if (!place().hidden) openFaults();
}

export function startFaults() {
  on("faults", refresh);
  on("connected", refresh);
}
