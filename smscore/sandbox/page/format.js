// Numbers, dates and statuses as people read them.

import { isPersian, t } from "./language.js";

const LATIN = "en-GB";
const PERSIAN = "fa-IR-u-ca-persian";
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY = { day: "numeric", month: "short" };
const FORMS = {
  time: TIME,
  day: { ...DAY, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  date: { day: "numeric", month: "long", year: "numeric" },
  full: { ...DAY, year: "numeric", ...TIME },
};

const made = new Map();

function formatter(kind, options) {
  const key = `${kind}${isPersian()}`;
  if (!made.has(key)) {
    const locale = isPersian() ? PERSIAN : LATIN;
    made.set(key, kind === "number" ? new Intl.NumberFormat(locale) : new Intl.DateTimeFormat(locale, options));
  }
  return made.get(key);
}

export const number = (value) => formatter("number").format(value);

/** The same text with the digits of the page's language. */
export function digits(text) {
  if (!isPersian()) return text;
  return text.replace(/[0-9]/g, (digit) => String.fromCharCode(0x06f0 + Number(digit)));
}

/** 1 message, 2 messages, 5+ messages; Persian has one form. */
export function counted(value, word, more = "") {
  const ending = value === 1 || isPersian() ? "" : "s";
  return `${number(value)}${more} ${t(word)}${ending}`;
}

export const rials = (value) => (value === null ? "—" : t("{} Rials", number(value)));

/** +989120000000 as 0912 000 0000; anything else as it is. */
export function phone(given) {
  const mobile = /^\+98(9\d{2})(\d{3})(\d{4})$/.exec(given);
  return digits(mobile ? `0${mobile[1]} ${mobile[2]} ${mobile[3]}` : given);
}

/** A line: digits in the page's language, while one that is a name (+98votp) stays as it is. */
export const lineText = (line) => (isLineNumber(line) ? digits(line) : line);
export const isLineNumber = (line) => /^\+?\d+$/.test(line);

const written = (kind, iso) => formatter(kind, FORMS[kind]).format(new Date(iso));

export const fullTime = (iso) => written("full", iso);
export const clockTime = (iso) => written("time", iso);
export const date = (iso) => written("date", iso);

/** The time of today's, the day and time of another day's. */
export function when(iso) {
  const today = new Date().toDateString() === new Date(iso).toDateString();
  return written(today ? "time" : "day", iso);
}

/** Seconds as 1 d 2 h 3 min 4 s, without what is zero. */
export function duration(seconds) {
  const parts = [];
  let left = Math.round(seconds);
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(`${number(count)} ${t(unit)}`);
  }
  return parts.join(" ") || `${number(0)} ${t("s")}`;
}

export const STATUSES = {
  queued: "Queued",
  scheduled: "Scheduled",
  sent: "Sent",
  delivered: "Delivered",
  partially_delivered: "Partly delivered",
  undelivered: "Undelivered",
  failed: "Failed",
  cancelled: "Cancelled",
  blocked: "Blocked",
  not_found: "Not found",
  unrecognized: "Unrecognized",
};

export const statusOf = (message) => (message.direction === "in" ? "received" : message.status ?? "unrecognized");
export const statusWord = (status) => t(status === "received" ? "Received" : (STATUSES[status] ?? status));

/** Whom a message is about: who gets it, or for one that came in, who wrote it. */
export const personOf = (message) => (message.direction === "in" ? message.sender : message.recipient);
export const lineOf = (message) => (message.direction === "in" ? message.recipient : message.sender);
