// One-time codes: the rule of one_time_codes.py, line by line, which docs/reference/sandbox.md has in words.

import { asciiDigits } from "./numbers.js";

const SEARCHED = 1000; // characters
const NEAR = 60;

const LETTER = String.raw`[\u0620-\u064a\u066e-\u06d3]`;
const SPACE = String.raw`[ \n\u00a0\u200c]`;

const GROUP =
  String.raw`(?:(?<![0-9a-z_@+./,:\-])|(?<=[^0-9]:)|(?<=\bg-))([0-9]{4,8})` +
  String.raw`(?![0-9a-z_@]|[./:,\-][0-9]|${SPACE}{0,9}(?:ریال|تومان|هزار|میلیون|rials?\b|tomans?\b|irr\b))`;
const PERSIAN_THINGS =
  "سفارش|تخفیف|پیگیری|رهگیری|پستی|ملی|مرسوله|بسته|فاکتور|قبض|رزرو|نوبت|پذیرش|بلیت|بلیط|پرداخت|تراکنش|خرید|کالا" +
  "|محصول|مشتری|اشتراک|هدیه|معرف|دعوت|شعبه|پرسنلی|دانشجویی|اقتصادی|دستوری|آگهی|پرونده|تیکت|شارژ|جشنواره|قرعه";
const LATIN_THINGS = [
  ...["order", "discount", "promo", "coupon", "gift", "voucher", "tracking", "postal", "post", "zip", "referral"],
  ...["invite", "reference", "invoice", "booking", "reservation", "ticket", "product", "error", "status", "area"],
  ...["country", "parcel", "customer"],
];
const NOT_LATIN_THINGS = LATIN_THINGS.map((thing) => String.raw`(?<!\b${thing} )`).join("");
const WORD =
  String.raw`(?:(?<!${LETTER})(?:(?:کد|رمز|پین|پسورد)(?:(?=تایید|ورود|فعال)|(?!${LETTER}))|گذرواژه)` +
  String.raw`(?!${SPACE}{0,3}(?:${PERSIAN_THINGS}))` +
  String.raw`|${NOT_LATIN_THINGS}\bcode\b|\botp\b|\bpin\b|\bpasscode\b|\bpassword\b|\bverification\b)`;
const SURE_WORD =
  String.raw`(?:(?<!${LETTER})(?:کد|رمز)${SPACE}{0,3}(?:تایید|ورود|فعال|عضویت|امنیتی|احراز|پویا|عبور|یک${SPACE}?بار)` +
  String.raw`|\botp\b|\bone[ \-]time\b|\bverification\b|\bpasscode\b)`;
const OF_A_THING =
  String.raw`(?:${PERSIAN_THINGS}|\b(?:${LATIN_THINGS.join("|")})\b)` +
  String.raw`(?:${SPACE}{1,3}(?:شماره|شما|your|number|no|id|code))?${SPACE}{0,3}`;

const compiled = (pattern, flags = "u") => new RegExp(pattern, flags);

const GROUPS = compiled(GROUP, "gu");
const ANNOUNCED = compiled(String.raw`${WORD}[^0-9]{0,30}?$`);
const EXPLAINED = compiled(String.raw`^[^0-9.\n!?؟؛]{0,30}?${WORD}`);
const SURE = compiled(SURE_WORD);
const NUMBER_OF_A_THING = compiled(String.raw`${OF_A_THING}#?$`);
const NAMED_OF_A_THING = compiled(String.raw`${OF_A_THING}[#:]{1,2}${SPACE}{0,3}$`);
const OF_A_PAGE = compiled(String.raw`@[!-?A-~]{1,253} #${GROUP}`);
const ALONE = compiled(String.raw`^[^0-9a-z\u0600-\u06ff]*${GROUP}[^0-9a-z\u0600-\u06ff]*$`);

const FOLDED = { ي: "ی", ك: "ک", ى: "ی", أ: "ا", ئ: "ی" };
const folded = (text) =>
  asciiDigits(text)
    .replace(/[يكىأئ]/g, (letter) => FOLDED[letter])
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

// Characters are counted as Python counts them: an emoji is one.
const beginning = (text, count) => Array.from(text.slice(0, 2 * count)).slice(0, count).join("");
const ending = (text, count) => Array.from(text.slice(-2 * count)).slice(-count).join("");

/** The one-time code that the beginning of a text holds, in ASCII digits, or null. */
export function codeIn(text) {
  const plain = folded(beginning(text, SEARCHED));
  const groups = [...plain.matchAll(GROUPS)].map((match) => ({
    digits: match[1],
    start: match.index,
    before: ending(plain.slice(0, match.index), NEAR),
    after: beginning(plain.slice(match.index + match[0].length), NEAR),
  }));
  const others = groups.filter(({ before }) => !isOfAThing(before));
  const announced = others.find(({ before }) => ANNOUNCED.test(before));
  if (announced) return announced.digits;
  const ofAPage = OF_A_PAGE.exec(plain);
  if (ofAPage) return ofAPage[1];
  const sure = SURE.exec(plain);
  const sureFrom = sure ? sure.index + sure[0].length : Infinity;
  const explained = others.find(({ after, start }) => EXPLAINED.test(after) || sureFrom <= start);
  return explained?.digits ?? ALONE.exec(plain)?.[1] ?? null;
}

function isOfAThing(before) {
  return NUMBER_OF_A_THING.test(before) || (NAMED_OF_A_THING.test(before) && !SURE.test(before));
}
