// One-time codes: the rule of search.py, which docs/sandbox.md has in words.

import { asciiDigits } from "./numbers.js";

const LOOKED_AT = 1000; // characters

// A group of 4 to 8 digits that is no part of a date, a price, an address or a telephone number.
const GROUP =
  /(?<![0-9.\/:,+@_\-])([0-9]{4,8})(?![0-9@_]|[.\/:,\-][0-9]|[ \n\u00a0\u200c]{0,9}(?:ریال|تومان|rials?\b|tomans?\b))/u;

const CODES = [
  /(?:کد|رمز|گذرواژه|\bcode\b|\botp\b|\bpin\b|\bpassword\b)[^0-9]{0,30}?/u,
  /@[!-?A-~]{1,253} #/u,
  /(?:)/u,
].map((before) => new RegExp(before.source + GROUP.source, "u"));

const inSmallLetters = (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** The one-time code that the beginning of a text holds, in ASCII digits, or null. */
export function codeIn(text) {
  const beginning = Array.from(text.slice(0, 2 * LOOKED_AT)).slice(0, LOOKED_AT).join(""); // whole emoji, as Python counts
  const plain = inSmallLetters(asciiDigits(beginning));
  for (const pattern of CODES) {
    const match = pattern.exec(plain);
    if (match) return match[1];
  }
  return null;
}
