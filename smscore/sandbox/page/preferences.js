// The theme and the digits, which the browser remembers.

import { byId, icon } from "./dom.js";

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const ICONS = { system: "system", light: "sun", dark: "moon" };

const listeners = [];

export const preferences = { theme: document.documentElement.dataset.theme, persian: read("digits") === "persian" };

/** Call `listener` when numbers and dates must be rendered again. */
export function onDigitsChanged(listener) {
  listeners.push(listener);
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage is off
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage is off: the choice lasts as long as the page
  }
}

function showTheme() {
  if (!(preferences.theme in THEMES)) preferences.theme = "system";
  document.documentElement.dataset.theme = preferences.theme;
  const words = `Theme: ${THEMES[preferences.theme]}`;
  byId("theme").replaceChildren(icon(ICONS[preferences.theme]));
  byId("theme").title = words;
  byId("theme").setAttribute("aria-label", words);
}

function nextTheme() {
  const names = Object.keys(THEMES);
  preferences.theme = names[(names.indexOf(preferences.theme) + 1) % names.length];
  remember("theme", preferences.theme);
  showTheme();
}

function showDigits() {
  byId("digits").setAttribute("aria-pressed", String(preferences.persian));
}

function switchDigits() {
  preferences.persian = !preferences.persian;
  remember("digits", preferences.persian ? "persian" : "latin");
  showDigits();
  listeners.forEach((listener) => listener());
}

export function startPreferences() {
  showTheme();
  showDigits();
  byId("theme").addEventListener("click", nextTheme);
  byId("digits").addEventListener("click", switchDigits);
}
