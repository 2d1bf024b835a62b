// The faults that are set, and the special recipients.

import { attempt, choices, get, on } from "./api.js";
import { byId, copyButton, div, el, icon, ltr, section, select } from "./dom.js";
import { counted, digits, duration } from "./format.js";
import { t } from "./language.js";
import { badge } from "./messagerow.js";
import { title } from "./providers.js";

let active = [];

const place = () => byId("view-faults");

export async function openFaults() {
  const [{ providers, fault_kinds: kinds, special_recipients: special }] = await Promise.all([choices(), readFaults()]);
  place().replaceChildren(
    el("h1", {}, t("Faults")),
    el("p", { class: "lead" }, t("Let requests fail as they can with a real provider.")),
    makeForm(providers, kinds),
    section("card", t("Active faults"), el("div", { id: "active" })),
    specialTable(special),
  );
  showActive();
}

// Setting one

const LASTING = [["next", "for the next"], ["always", "until cleared"]];

const option = (value, words) => el("option", { value }, words);
const spoken = (kind) => t(kind.replaceAll("_", " "));
const field = (label, ...inputs) => div("field", el("label", { for: inputs[0].id }, label), div("pair", inputs));

function makeInputs(providers, kinds) {
  const names = providers.map(({ name }) => [name, title(name)]);
  return {
    kind: select({ id: "fault-kind" }, kinds.map(({ kind }) => [kind, spoken(kind)])),
    provider: select({ id: "fault-provider" }, [["", t("any provider")], ...names]),
    call: el("select", { id: "fault-call" }),
    number: el("input", { id: "fault-number", placeholder: t("any number"), inputmode: "tel", dir: "ltr" }),
    code: el("select", { id: "fault-code" }),
    seconds: el("input", { id: "fault-seconds", type: "number", min: 0, max: 600, step: "any", value: 5 }),
    lasting: select({ id: "fault-lasting" }, LASTING.map(([value, label]) => [value, t(label)])),
    times: el("input", { id: "fault-times", type: "number", min: 1, value: 1, "aria-label": t("Calls") }),
  };
}

function makeForm(providers, kinds) {
  const inputs = makeInputs(providers, kinds);
  const codeWords = el("p", { class: "hint text", "aria-live": "polite", dir: "auto" });
  const code = field(t("Code"), inputs.code);
  code.classList.add("wide");
  code.append(codeWords);
  const showCode = () => {
    const wanted = Number(inputs.code.value);
    const owners = providers.filter(({ name }) => [name, ""].includes(inputs.provider.value));
    codeWords.textContent = owners.flatMap((owner) => owner.error_codes).find((each) => each.code === wanted)?.words;
  };
  const seconds = field(t("Seconds"), inputs.seconds);
  const words = el("p", { class: "hint" });
  const fillChoices = () => {
    const owners = providers.filter(({ name }) => [name, ""].includes(inputs.provider.value));
    const calls = new Set(owners.flatMap((owner) => owner.calls));
    inputs.call.replaceChildren(option("", t("any call")), ...[...calls].map((name) => option(name, name)));
    inputs.code.replaceChildren(...owners.flatMap((owner) => codesOf(owner, owners.length > 1)));
    showCode();
  };
  const showNeeded = () => {
    const kind = kinds.find((entry) => entry.kind === inputs.kind.value);
    words.textContent = t(kind.words);
    code.hidden = !kind.needs.includes("code");
    seconds.hidden = !kind.needs.includes("seconds");
    inputs.times.hidden = inputs.lasting.value !== "next";
  };
  inputs.provider.addEventListener("change", fillChoices);
  inputs.code.addEventListener("change", showCode);
  for (const input of [inputs.kind, inputs.lasting]) input.addEventListener("change", showNeeded);
  fillChoices();
  showNeeded();
  const fields = [
    field(t("What happens"), inputs.kind),
    field(t("Provider"), inputs.provider),
    code,
    seconds,
    field(t("Call"), inputs.call),
    field(t("Number"), inputs.number),
    field(t("How long"), inputs.lasting, inputs.times),
  ];
  const onsubmit = (event) => submit(event, faultOf(inputs, !code.hidden, !seconds.hidden));
  return el(
    "form",
    { class: "card", "aria-label": t("Set a fault"), onsubmit },
    el("h2", {}, t("Set a fault")),
    div("fields", fields),
    words,
    div("buttons", el("button", { class: "primary" }, t("Set the fault"))),
  );
}

function faultOf(inputs, hasCode, hasSeconds) {
  return {
    kind: inputs.kind.value,
    provider: inputs.provider.value || null,
    call: inputs.call.value || null,
    number: inputs.number.value.trim() || null,
    times: inputs.lasting.value === "next" ? Number(inputs.times.value) : null,
    code: hasCode ? Number(inputs.code.value) : null,
    seconds: hasSeconds ? Number(inputs.seconds.value) : null,
  };
}

async function submit(event, fault) {
  event.preventDefault();
  if ((await attempt("POST", "/api/faults", fault)) !== undefined) refresh();
}

function codesOf(owner, isNamed) {
  const whose = isNamed ? `${title(owner.name)} ` : "";
  return owner.error_codes.map(({ code, words }) => option(code, `${whose}\u2066${code}\u2069 · ${words}`));
}

// The active faults

const NONE = "No fault is set: every call gets the response of the provider's document.";

async function readFaults() {
  active = await get("/api/faults");
  byId("fault-count").textContent = active.length ? digits(String(active.length)) : "";
}

async function refresh() {
  await readFaults().catch(() => null); // the next event tries again
  showActive();
}

function showActive() {
  const box = byId("active");
  if (box === null) return;
  const list = [
    el("ul", { class: "plain" }, active.map(item)),
    div("buttons", el("button", { type: "button", onclick: clearAll }, t("Clear all faults"))),
  ];
  box.replaceChildren(...(active.length ? list : [el("p", { class: "nothing" }, t(NONE))]));
}

function item(fault) {
  const where = [fault.provider ? title(fault.provider) : t("any provider"), fault.call ?? t("any call")].join(t(", "));
  const number = fault.number && [", ", ltr(digits(fault.number))];
  const detail = fault.seconds === null ? String(fault.code ?? "") : duration(fault.seconds);
  const names = { "aria-label": t("Clear the fault {}", spoken(fault.kind)), title: t("Clear") };
  return el(
    "li",
    {},
    fault.provider ? badge(fault.provider) : el("span", { class: "badge any", "aria-hidden": "true" }, icon("faults")),
    div("who", el("b", {}, `${spoken(fault.kind)} ${digits(detail)}`), el("span", { class: "line" }, where, number)),
    el("span", { class: "left" }, fault.left === null ? t("until cleared") : t("{} left", counted(fault.left, "call"))),
    el("button", { type: "button", class: "quiet", ...names, onclick: () => clearOne(fault.id) }, icon("close")),
  );
}

async function clearOne(id) {
  if ((await attempt("DELETE", `/api/faults/${encodeURIComponent(id)}`)) !== undefined) refresh();
}

async function clearAll() {
  if ((await attempt("DELETE", "/api/faults")) !== undefined) refresh();
}

// Special recipients

function specialTable(special) {
  const head = ["Recipient", "What happens"].map((words) => el("th", { scope: "col" }, t(words)));
  const row = ({ recipient, words }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, ltr(recipient, { class: "mono" }), copyButton(recipient, t("Copy {}", recipient))),
      el("td", {}, t(words)),
    );
  return section(
    "card",
    t("Special recipients"),
    el("p", { class: "hint" }, t("Messages to these recipients always end the same way. They need no setup.")),
    el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, special.map(row))),
  );
}

export function repaintFaults() {
  readFaults().catch(() => null);
  if (!place().hidden) openFaults();
}

export function startFaults() {
  on("faults", refresh);
  on("connected", refresh);
}
