// The theme and the language, which the browser remembers.

import { byId, icon } from "./dom.js";
import { findFixedWords, isPersian, showFixedWords, switchLanguage, t } from "./language.js";

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const ICONS = { system: "system", light: "sun", dark: "moon" };
const OTHERS = { en: ["English", "ltr"], fa: ["فارسی", "rtl"] };

const listeners = [];

let theme = document.documentElement.dataset.theme;

/** Call `listener` when all that shows words, numbers or dates must be rendered again. */
export function onLanguageChanged(listener) {
  listeners.push(listener);
}

function showTheme() {
  if (!(theme in THEMES)) theme = "system";
  document.documentElement.dataset.theme = theme;
  const words = t("Theme: {}", t(THEMES[theme]));
  byId("theme").replaceChildren(icon(ICONS[theme]));
  byId("theme").title = words;
  byId("theme").setAttribute("aria-label", words);
}

function nextTheme() {
  const names = Object.keys(THEMES);
  theme = names[(names.indexOf(theme) + 1) % names.length];
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // storage is off: the choice lasts as long as the page
  }
  showTheme();
}

/** The button names the other language, in that language. */
function showLanguage() {
  const other = isPersian() ? "en" : "fa";
  const [name, direction] = OTHERS[other];
  Object.assign(byId("language"), { textContent: name, lang: other, dir: direction });
  showFixedWords();
  showTheme();
}

export function startPreferences() {
  findFixedWords();
  showLanguage();
  byId("theme").addEventListener("click", nextTheme);
  byId("language").addEventListener("click", () => {
    switchLanguage();
    showLanguage();
    listeners.forEach((listener) => listener());
  });
}
