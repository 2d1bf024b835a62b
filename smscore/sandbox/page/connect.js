// How to point a client at the sandbox: lines for a shell and for Python.

import { choices } from "./api.js";
import { copyButton, div, el } from "./dom.js";
import { t } from "./language.js";
import { title } from "./providers.js";

const SAMPLE = "کد ورود شما: ۴۸۲۹۱۳";

const baseURL = (provider) => new URL(provider.base_url, location.origin).href;
const line = (provider) => provider.lines[0];

function shellLines(provider) {
  const name = provider.name.toUpperCase();
  return [
    `export ${name}_BASE_URL=${baseURL(provider)}`,
    `export ${name}_TOKEN=any ${name}_SENDER=${line(provider)}`,
  ].join("\n");
}

function pythonLines(provider) {
  const { package: from, name } = provider.client;
  return [
    `from ${from} import ${name}`,
    `client = ${name}("any token", sender="${line(provider)}", base_url="${baseURL(provider)}")`,
    `client.send("09120000000", "${SAMPLE}")`,
  ].join("\n");
}

function codeBlock(text, label) {
  const lines = el("pre", { dir: "ltr", tabindex: 0, "aria-label": label }, isolated(text));
  return div("codeblock", lines, copyButton(text, t("Copy: {}", label)));
}

const PERSIAN_WORDS = /([\u0600-\u06ff][\u0600-\u06ff\s:]*[\u0600-\u06ff])/;

/** Persian words within a line of code, isolated so that they do not reorder the text beside them. */
function isolated(text) {
  return text.split(PERSIAN_WORDS).map((part, index) => (index % 2 ? el("bdi", { lang: "fa" }, part) : part));
}

/** Buttons to choose a provider, and the lines for it. */
export function connectLines(providers) {
  const lines = div("lines");
  const buttons = providers.map((provider) =>
    el("button", { type: "button", value: provider.name, onclick: () => show(provider) }, title(provider.name)),
  );
  const show = (provider) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.value === provider.name));
    const words = title(provider.name);
    lines.replaceChildren(
      el("h3", {}, t("In the environment, for any client")),
      codeBlock(shellLines(provider), t("{}, environment", words)),
      el("h3", {}, t("In Python")),
      codeBlock(pythonLines(provider), t("{}, Python", words)),
    );
  };
  show(providers[0]);
  const choice = el("div", { class: "segments", role: "group", "aria-label": t("Provider") }, buttons);
  return div("connect", choice, lines);
}

/** What an inbox without any message shows. */
export async function emptyState() {
  const { providers } = await choices();
  return div(
    "first",
    el("img", { src: "/static/icon.svg", alt: "", width: 56, height: 56 }),
    el("h1", {}, t("Nothing has been sent yet")),
    el("p", {}, t("Point a client at this address, and its messages appear here at once.")),
    el("p", {}, t("Any token works; nothing leaves this machine.")),
    connectLines(providers),
  );
}
