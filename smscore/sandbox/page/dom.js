// Elements without innerHTML, so that a message's text is never taken for HTML.

import { t } from "./language.js";

/** A new element. Attributes such as `onclick` are listeners; null and false omit an attribute or a child. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => ![null, undefined, false].includes(child)));
  return element;
}

export const div = (className, ...children) => el("div", { class: className }, ...children);

/** A section with a heading. */
export function section(className, heading, ...children) {
  return el("section", { class: className, "aria-label": heading }, el("h2", {}, heading), ...children);
}

/** A <select>; `options` are pairs of a value and its label. */
export function select(attributes, options, chosen = null) {
  const made = options.map(([value, words]) => el("option", { value, selected: value === chosen }, words));
  return el("select", attributes, made);
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const PERSIAN = /[\u0600-\u06ff]/;

/** Text in its own direction and language. */
export function prose(tag, className, text) {
  return el(tag, { class: className, dir: "auto", lang: PERSIAN.test(text) ? "fa" : null }, text);
}

/** Latin text, mostly digits, that right-to-left text beside it must not reorder. */
export function ltr(text, attributes = {}) {
  return el("bdi", { dir: "ltr", ...attributes }, text);
}

export const byId = (id) => document.getElementById(id);

/** Show a short note at the edge of the page. */
export function note(words, kind = "info") {
  const item = el("p", { class: kind }, words);
  byId("notes").append(item);
  setTimeout(() => item.remove(), kind === "error" ? 8000 : 2500);
}

/** Copy `text` to the clipboard, and show so on `button`. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text); // the clipboard needs a secure origin, which the address of a container is not
  }
  note(t("Copied"));
  button?.classList.add("copied");
  setTimeout(() => button?.classList.remove("copied"), 1200);
}

function copyBySelection(text) {
  const area = el("textarea", { class: "unseen", readonly: true });
  const focused = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  focused?.focus();
}

export function copyButton(text, label) {
  const button = el("button", { class: "quiet copy", type: "button", title: label, "aria-label": label }, icon("copy"));
  button.addEventListener("click", () => copy(text, button));
  return button;
}

/** A function that runs `work` at most once in `wait` milliseconds, the last call included. */
export function throttled(work, wait) {
  let last = -Infinity;
  let timer = null;
  return () => {
    if (timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      work();
    }, Math.max(0, last + wait - performance.now()));
  };
}

/** A function that runs `work` once no further call has come for `wait` milliseconds. */
export function debounced(work, wait) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, wait);
  };
}
