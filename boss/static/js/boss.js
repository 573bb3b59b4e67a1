// What every BOSS page does: CSRF for htmx, the mode toggle, layers, toasts, one send per form, focus after swaps.
(function () {
  "use strict";

  function csrf() {
    var meta = document.querySelector('meta[name="csrf-token"]');
    return meta ? meta.content : "";
  }

  // htmx: the CSRF header is set here and nowhere else, and only for our own addresses.
  document.addEventListener("htmx:configRequest", function (event) {
    event.detail.headers["X-CSRFToken"] = csrf();
  });

  // A request that failed altogether says so, in the live region, and leaves the page as it is.
  function say(text, tone) {
    var region = document.getElementById("toasts");
    if (!region) return;
    var line = document.createElement("div");
    line.className = "toast-line toast-" + (tone || "info");
    var words = document.createElement("p");
    words.textContent = text;
    var close = document.createElement("button");
    close.type = "button";
    close.setAttribute("data-dismiss", "");
    close.setAttribute("aria-label", region.dataset.close || "Close");
    close.textContent = "×";
    line.append(words, close);
    region.append(line);
  }
  document.addEventListener("htmx:sendError", function () {
    var region = document.getElementById("toasts");
    if (region && !region.querySelector("[data-offline]")) {
      say(region.dataset.offline, "warning");
      region.lastElementChild.setAttribute("data-offline", "");
    }
  });
  document.addEventListener("htmx:afterOnLoad", function () {
    document.querySelectorAll("#toasts [data-offline]").forEach(function (line) { line.remove(); });
  });
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) { location.reload(); return; }
    var region = document.getElementById("toasts");
    if (region && !event.detail.elt.hasAttribute("data-quiet")) say(region.dataset.failed, "error");
  });
  document.addEventListener("boss:say", function (event) { say(event.detail.text || event.detail.value, event.detail.tone); });

  // Every swap that wants the focus elsewhere marks the place with data-focus.
  document.addEventListener("htmx:afterSettle", function (event) {
    var place = event.target.querySelector && event.target.querySelector("[data-focus]");
    if (place) place.focus();
  });

  // One send per form: a second click while the first is on its way does nothing.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    form.querySelectorAll("button[type=submit], button:not([type])").forEach(function (button) {
      button.setAttribute("aria-disabled", "true");
    });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      form.querySelectorAll("[aria-disabled]").forEach(function (button) { button.removeAttribute("aria-disabled"); });
    });
  });

  // The mode toggle. "system" forgets the choice.
  function showMode() {
    var chosen = document.documentElement.getAttribute("data-bs-theme") || "system";
    document.querySelectorAll("[data-theme-set]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === chosen));
    });
  }
  function setMode(mode) {
    try {
      if (mode === "system") localStorage.removeItem("boss-theme"); else localStorage.setItem("boss-theme", mode);
    } catch (refused) { /* the choice then lasts for this page */ }
    if (mode === "system") document.documentElement.removeAttribute("data-bs-theme");
    else document.documentElement.setAttribute("data-bs-theme", mode);
    showMode();
  }

  document.addEventListener("click", function (event) {
    var hit = event.target.closest("[data-theme-set], [data-open], [data-close], [data-dismiss]");
    if (hit) {
      if (hit.dataset.themeSet) setMode(hit.dataset.themeSet);
      if (hit.dataset.open) {
        var layer = document.getElementById(hit.dataset.open);
        var from = hit.closest("details.menu"); // closed first, so that the focus comes back to what can be seen
        if (from) { from.open = false; from.querySelector("summary").focus(); }
        if (layer) layer.showModal();
      }
      if (hit.hasAttribute("data-close")) hit.closest("dialog").close();
      if (hit.hasAttribute("data-dismiss")) hit.closest(".toast-line").remove();
    }
    if (event.target.tagName === "DIALOG") event.target.close(); // a click on the backdrop
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form && (event.target.tagName === "TEXTAREA" || event.target.form.hasAttribute("data-first-field"))) {
      event.target.form.requestSubmit();
    }
  });

  document.addEventListener("DOMContentLoaded", function () {
    showMode();
    var summary = document.querySelector(".error-summary");
    if (summary) summary.focus();
    document.querySelectorAll("dialog[data-open-now]").forEach(function (layer) { layer.showModal(); });
  });
})();
