// What became of a request's answer, in words.

// Faults after which the provider has the message, and its client no answer, or half of one, or a late one.
const MARKS = {
  drop_after: ["No answer", "Accepted, but the connection closed without an answer."],
  cut: ["Half an answer", "Accepted, but the answer broke off in the middle."],
  delay: ["Late answer", "Accepted at once, but answered later."],
};

/** A word and a sentence for a message whose answer was lost, or null. */
export const markOf = (message) => MARKS[message.fault] ?? null;

/** An answer in a few words: its HTTP status, and what was wrong with it. */
export function answerWords({ status, fault }) {
  if (status === null) return "No answer: connection closed";
  const words = { cut: "broken off in the middle", delay: "late" }[fault];
  return words ? `HTTP ${status}, ${words}` : `HTTP ${status}`;
}
