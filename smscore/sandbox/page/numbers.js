// Telephone numbers as people type them.

export const MOST_OF_NUMBER = 100; // characters that the server takes

const DIGITS = /\p{Nd}/gu;
const BETWEEN = /[\s().\p{Pd}\p{Cf}]/gu; // also the marks of direction that come along by copying
const MOBILE = /^(?:\+98|0098|98|0)?(9\d{9})$/;

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

/** A number, or a piece of one, without what only divides its digits. */
export const plainNumber = (given) => asciiDigits(given).replace(BETWEEN, "");

/** A mobile number in any spelling as +989120000000; null for anything else. */
export function e164(given) {
  const mobile = MOBILE.exec(plainNumber(given));
  return mobile && `+98${mobile[1]}`;
}

/** How a number may be written; a piece of any of them is a piece of the number. */
export function spellings(number) {
  const mobile = MOBILE.exec(number);
  return mobile ? [number, `0098${mobile[1]}`, `0${mobile[1]}`] : [number];
}

/** The number in a part of an address, or null where that holds none. */
export function numberIn(part) {
  try {
    const number = decodeURIComponent(part).trim();
    return number && number.length <= MOST_OF_NUMBER ? number : null;
  } catch {
    return null; // a % that stands for nothing
  }
}
