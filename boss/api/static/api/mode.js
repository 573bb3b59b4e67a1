"use strict";

// Before the first paint: Swagger UI is dark by a class of its own. The mode chosen in the console (theme.js) wins over
// the system's; both may change while the page is open.
(function () {
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try { return localStorage.getItem("boss-theme"); } catch (refused) { return null; }
  }
  function follow() {
    const mode = chosen();
    document.documentElement.classList.toggle("dark-mode", mode === "dark" || (mode !== "light" && system.matches));
  }

  follow();
  system.addEventListener("change", follow);
  window.addEventListener("storage", follow);
})();
