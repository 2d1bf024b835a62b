// Calls of the sandbox's REST interface, and its live events.

import { note } from "./dom.js";
import { t } from "./language.js";
import { readTogether } from "./stream.js";

/** The JSON of an answer; a refusal throws an Error with the sandbox's own text. */
export async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(path, options).catch(() => {
    throw new Error(t("The sandbox does not answer. Is it still running?"));
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw Object.assign(new Error(answer?.error ?? response.statusText), { status: response.status });
  return answer;
}

export const get = (path, query = {}) => call("GET", path + queryString(query));

function queryString(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** Like call, but a failure becomes a note on the page, and the result undefined. */
export async function attempt(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    note(error.message, "error");
    return undefined;
  }
}

let choicesPromise = null;

/** What there is to choose from: providers, kinds of fault, special recipients. Read once. */
export function choices() {
  choicesPromise ??= get("/api/choices").catch((error) => {
    choicesPromise = null;
    throw error;
  });
  return choicesPromise;
}

const listeners = new Map();

/** Call `listener` for each live event of a kind; `connected` is one, whenever the stream starts again. */
export function on(kind, listener) {
  listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

function tell(kind, data) {
  listeners.get(kind)?.forEach((listener) => listener(data));
}

/** Read live events for as long as the page is open, and reconnect whenever they break off. */
export function listen() {
  readTogether((kind, text) => tell(kind, text ? JSON.parse(text) : null));
}
