// What the keys of the page do, as listed in the setup and by ?.

import { byId, div, el } from "./dom.js";
import { t } from "./language.js";

const KEYS = [
  [["/"], "search"],
  [["↓", "↑"], "next and previous message, also j and k"],
  [["Enter"], "open"],
  [["Esc"], "close, or empty the search"],
  [["?"], "show these keys"],
];

export function keyList() {
  const row = ([keys, words]) => div(null, el("dt", {}, keys.map((key) => el("kbd", {}, key))), el("dd", {}, t(words)));
  return el("dl", { class: "keys" }, KEYS.map(row));
}

/** Show the keys above the page. */
export function showKeys() {
  byId("key-list").replaceChildren(keyList());
  byId("keys").showModal();
}
