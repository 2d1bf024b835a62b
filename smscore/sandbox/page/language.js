// The page's language. The code has the English words; t gives them, or the Persian ones.

import { WORDS } from "./persian.js";

const KEY = "language";

let persian = document.documentElement.lang === "fa"; // theme.js has set it

export const isPersian = () => persian;

/** The words in the page's language; each {} is replaced by one of the values, in their order. */
export function t(english, ...values) {
  const words = persian ? (WORDS[english] ?? english) : english;
  let next = 0;
  return values.length ? words.replaceAll("{}", () => values[next++]) : words;
}

const ATTRIBUTES = ["aria-label", "title", "placeholder"];
const fixed = []; // [function that shows words, the English ones], of what index.html has

/** Find the words of index.html, before anything else is put into the page. */
export function findFixedWords() {
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) keep(node.data.trim(), (words) => (node.data = words));
    else for (const name of ATTRIBUTES) keep(node.getAttribute(name), (words) => node.setAttribute(name, words));
  }
}

function keep(english, show) {
  if (english in WORDS) fixed.push([show, english]);
}

/** Show the words of index.html in the page's language, and turn the layout to its direction. */
export function showFixedWords() {
  document.documentElement.lang = persian ? "fa" : "en";
  document.documentElement.dir = persian ? "rtl" : "ltr";
  for (const [show, english] of fixed) show(t(english));
}

export function switchLanguage() {
  persian = !persian;
  try {
    localStorage.setItem(KEY, persian ? "fa" : "en");
  } catch {
    // storage is off: the choice lasts as long as the page
  }
}
