// The response to a request, in words.

import { t } from "./language.js";

// Faults with which the message is accepted, but its client gets no response, half of one, or a late one.
const MARKS = {
  drop_after: ["No response", "Accepted, but the connection closed without a response."],
  cut: ["Half a response", "Accepted, but only half of the response arrived."],
  delay: ["Late response", "Accepted at once, but answered later."],
};

/** A label and a sentence for a message whose response was lost, or null. */
export const markOf = (message) => MARKS[message.fault]?.map((words) => t(words)) ?? null;

/** A response in a few words: its HTTP status, and what was wrong with it. */
export function answerWords({ status, fault }) {
  if (status === null) return t("No response: connection closed");
  const words = { cut: "cut in half", delay: "late" }[fault];
  return words ? t("{}, {}", `HTTP ${status}`, t(words)) : `HTTP ${status}`;
}
