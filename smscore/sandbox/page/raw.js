// A request or a response as it went over the wire.

import { copyButton, div, el } from "./dom.js";
import { counted } from "./format.js";
import { prettyJSON } from "./json.js";
import { t } from "./language.js";

/** A section with the summary, the headers and the body, which is indented if it is JSON. */
export function raw(name, summary, body, isCut, headers) {
  const text = body ?? "";
  const pretty = prettyJSON(text);
  const code = el("pre", { dir: "ltr", tabindex: 0, "aria-label": t("{} body", name) }, pretty ?? text);
  const plain = pretty && el("button", { type: "button", class: "quiet", "aria-pressed": "false" }, t("Raw"));
  plain?.addEventListener("click", () => {
    const isRaw = plain.getAttribute("aria-pressed") === "false";
    plain.setAttribute("aria-pressed", String(isRaw));
    code.replaceChildren(...(isRaw ? [text] : prettyJSON(text)));
  });
  return el(
    "section",
    { class: "raw", "aria-label": name },
    div("rawhead", el("h2", {}, name), el("code", { dir: "ltr" }, summary), plain, copyButton(text, t("Copy the {}", name))),
    headers && headerList(headers),
    text ? code : el("p", { class: "nothing" }, t("No body")),
    isCut && el("p", { class: "hint" }, t("The rest of the body was not kept.")),
  );
}

function headerList(headers) {
  const entries = Object.entries(headers);
  const rows = entries.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
  const summary = el("summary", {}, counted(entries.length, "header"));
  return el("details", {}, summary, el("dl", { class: "headers", dir: "ltr" }, rows));
}
