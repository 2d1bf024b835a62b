// Runs before the first paint, so that the wrong theme never flashes.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
} catch {
  document.documentElement.dataset.theme = "system"; // storage is off: no theme is remembered
}
