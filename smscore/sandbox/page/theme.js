// Runs before the first paint, so that neither the wrong theme nor the wrong direction flashes.
{
  const root = document.documentElement;
  const read = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is off: nothing is remembered
    }
  };
  root.dataset.theme = read("theme") ?? "system";
  root.lang = read("language") ?? (navigator.language.startsWith("fa") ? "fa" : "en");
  root.dir = root.lang === "fa" ? "rtl" : "ltr";
}
