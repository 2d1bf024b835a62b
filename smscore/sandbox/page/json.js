// JSON indented for reading. Numbers stay as they were written: ids can be beyond what a JavaScript number holds.

import { el, ltr } from "./dom.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const OPENING = new Set(["{", "["]);
const CLOSING = new Set(["}", "]"]);

/** The parts of the text, coloured and indented; null if it is not JSON. */
export function prettyJSON(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(TOKEN);
  const pieces = [];
  let depth = 0;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const isEmpty = OPENING.has(token) && CLOSING.has(next);
    if (CLOSING.has(token) && !OPENING.has(tokens[index - 1])) pieces.push(newLine(--depth));
    else if (CLOSING.has(token)) depth -= 1;
    pieces.push(piece(token, next));
    if (OPENING.has(token)) depth += 1;
    if ((OPENING.has(token) && !isEmpty) || token === ",") pieces.push(newLine(depth));
    if (token === ":") pieces.push(" ");
  });
  return pieces;
}

const newLine = (depth) => `\n${"  ".repeat(depth)}`;

function piece(token, next) {
  const kind = next === ":" ? "key" : "string";
  if (token.startsWith('"')) return el("span", { class: kind }, withEscapes(readable(token)));
  if (/^[-\d]/.test(token)) return el("span", { class: "number" }, token);
  if (/^[tfn]/.test(token)) return el("span", { class: "word" }, token);
  return token;
}

const ESCAPE = /(\\(?:u[0-9a-f]{4}|.))/;

/** Escapes such as \n, isolated so that Persian beside them does not reorder them. */
const withEscapes = (string) => string.split(ESCAPE).map((part, index) => (index % 2 ? ltr(part) : part));

/** A string with letters instead of \uXXXX, still in one line. */
const readable = (token) => JSON.stringify(JSON.parse(token));
