// Phone numbers as people type them.

export const MAX_NUMBER_LENGTH = 100; // characters that the server accepts

// The server has the same rules, in numbers.py and characters.py.
const DIGITS = /[^\P{Nd}0-9]/gu; // ASCII ones are left
const BETWEEN = /[\p{Z}\p{Cc}\p{Cf}\p{Pd}\p{DI}\u2212\u2800]/gu; // also the invisible marks that are copied along
const PLUS = /[\uff0b\ufe62\ufb29\u207a\u208a]/g;
const MOBILE = /^(?:\+98|0098|98|0)?(9\d{9})$/;
const TRUNK_ZERO = /^\(*(\+98|0098|98)\)*\(0/;
const GROUPS = /^[+0]\d+([\p{Po}\p{Pc}])\d{2,}(?:\1\d{2,})+$/u;

const isDigit = (place) => /^\p{Nd}$/u.test(String.fromCodePoint(place));

/** A decimal digit of any script as an ASCII one: a script has its ten side by side. */
function asciiDigit(digit) {
  const place = digit.codePointAt(0);
  let zero = place;
  while (isDigit(zero - 1)) zero -= 1;
  return String((place - zero) % 10);
}

/** The same text with ASCII digits. */
export const asciiDigits = (text) => text.replace(DIGITS, asciiDigit);

/** A number, or a part of one, without what only separates its digits. */
export function plainNumber(given) {
  const usual = asciiDigits(given).replace(PLUS, "+").replace(/\p{Ps}/gu, "(").replace(/\p{Pe}/gu, ")");
  const divided = usual.replace(BETWEEN, "").replace(/^tel:/i, "");
  const plain = divided.replace(TRUNK_ZERO, "$1").replace(/[()]/g, "");
  const groups = GROUPS.exec(plain);
  return groups ? plain.replaceAll(groups[1], "") : plain;
}

/** A mobile number in any spelling as +989120000000; null for anything else. */
export function e164(given) {
  const mobile = MOBILE.exec(plainNumber(given));
  return mobile && `+98${mobile[1]}`;
}

/** How a number may be written; a part of any of these is a part of the number. */
export function spellings(number) {
  const mobile = MOBILE.exec(number);
  return mobile ? [number, `0098${mobile[1]}`, `0${mobile[1]}`] : [number];
}

/** The number in a part of an address, or null if there is none. */
export function numberIn(part) {
  try {
    const number = decodeURIComponent(part).trim();
    return number && number.length <= MAX_NUMBER_LENGTH ? number : null;
  } catch {
    return null; // a % without two hexadecimal digits
  }
}
