// The console's keys and its search box (a combobox whose listbox comes from the server).
(function () {
  "use strict";

  var GOES = { h: "/console/", w: "/console/inbox/", o: "/console/orders/", t: "/console/tickets/", a: "/console/accounts/", m: "/console/tasks/", r: "/console/runs/" };
  var input, list, said, chosen = -1, pendingG = 0;

  function options() { return Array.prototype.slice.call(list.querySelectorAll("[role=option]")); }
  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open && options().length > 0));
    if (!open) choose(-1);
  }
  function choose(index) {
    var all = options();
    all.forEach(function (option, place) { option.setAttribute("aria-selected", String(place === index)); });
    chosen = index;
    if (index >= 0 && all[index]) {
      input.setAttribute("aria-activedescendant", all[index].id);
      all[index].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }
  function lettersOff() {
    try { return localStorage.getItem("boss-keys") === "off"; } catch (refused) { return false; }
  }

  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault(); input.focus(); input.select(); return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || lettersOff()) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "/") { event.preventDefault(); input.focus(); input.select(); }
    else if (event.key === "?") { document.getElementById("keys").showModal(); }
    else if (event.key === "g") { pendingG = Date.now(); }
    else if (GOES[event.key] && Date.now() - pendingG < 1500) { location.href = GOES[event.key]; }
    else if (document.querySelector('[data-key="' + CSS.escape(event.key) + '"]')) {
      var button = document.querySelector('[data-key="' + CSS.escape(event.key) + '"]');
      event.preventDefault();
      // Nothing chosen: what is done to chosen lines is done to the one that has the focus.
      if (button.hasAttribute("data-takes-row") && !button.form.querySelector("td.pick input:checked, input[name=all]:checked")) pick(true);
      button.click();
    }
    else if (event.key === "x" && pick()) { event.preventDefault(); }
    else if (event.key === "j" || event.key === "k") { step(event.key === "j" ? 1 : -1); }
  });

  // The box of the line that has the focus: set, or turned over. False when there is none.
  function pick(on) {
    var line = document.activeElement && document.activeElement.closest("tr");
    var box = line && line.querySelector("td.pick input[type=checkbox]");
    if (!box) return false;
    box.checked = on === undefined ? !box.checked : on;
    return true;
  }

  function step(by) {
    var rows = Array.prototype.slice.call(document.querySelectorAll("main [data-row]"));
    if (!rows.length) return;
    var now = rows.indexOf(document.activeElement);
    rows[Math.max(0, Math.min(rows.length - 1, now + by))].focus();
  }

  document.addEventListener("change", function (event) {
    var all = event.target.dataset.checkAll;
    if (!all || !event.target.form) return;
    event.target.form.querySelectorAll("input[type=checkbox][name=" + all + "]").forEach(function (box) {
      box.checked = event.target.checked;
    });
  });

  document.addEventListener("DOMContentLoaded", function () {
    // On the assembly line the hands stay on the keys: the first thing to fill in has the focus.
    var line = document.querySelector("form[data-first-field]");
    if (line && !document.querySelector(".error-summary")) {
      var first = line.querySelector("input:not([type=hidden]), select, textarea, button");
      if (first) first.focus({ preventScroll: true });
    }

    input = document.getElementById("search");
    list = document.getElementById("search-list");
    said = document.getElementById("search-said");
    if (!input) return;

    input.addEventListener("keydown", function (event) {
      var all = options();
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!all.length) return;
        event.preventDefault();
        show(true);
        choose((chosen + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length);
      } else if (event.key === "Enter" && !list.hidden && all[chosen]) {
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) window.open(all[chosen].href, "_blank", "noopener");
        else location.href = all[chosen].href;
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        show(false);
      }
    });
    input.addEventListener("input", function () { if (!input.value.trim()) { list.replaceChildren(); show(false); } });
    input.addEventListener("focus", function () { if (list.children.length) show(true); });
    document.addEventListener("click", function (event) { if (!event.target.closest(".search")) show(false); });
    document.addEventListener("focusin", function (event) { if (!event.target.closest(".search")) show(false); });
    document.addEventListener("htmx:afterSwap", function (event) {
      if (event.target !== list) return;
      var found = options().length;
      show(Boolean(list.children.length) && document.activeElement === input);
      choose(found ? 0 : -1);
      var note = list.querySelector("[data-said]");
      said.textContent = note ? note.dataset.said : "";
    });

    // What refreshes by itself waits while somebody is at it: nothing is pulled from under a hand.
    document.addEventListener("htmx:beforeRequest", function (event) {
      var place = event.detail.elt;
      if (!place.hasAttribute("data-hold")) return;
      if (place.contains(document.activeElement) || place.querySelector("details[open]")) event.preventDefault();
    });

    var off = document.getElementById("keys-off");
    off.checked = lettersOff();
    off.addEventListener("change", function () {
      try { localStorage.setItem("boss-keys", off.checked ? "off" : "on"); } catch (refused) { /* for this page only */ }
    });
  });
})();
