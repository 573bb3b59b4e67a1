// Before the first paint: a mode chosen earlier wins over the system's. Without a choice CSS follows the system.
(function () {
  "use strict";
  try {
    var chosen = localStorage.getItem("boss-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.setAttribute("data-bs-theme", chosen);
  } catch (refused) { /* storage may be refused; the system's mode stays */ }
})();
