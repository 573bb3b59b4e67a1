// The board of tickets: cards move by dragging, by "m" (their menu) and by Shift with an arrow. The server decides; what
// it answers is the whole board, so that a refused card is where it was.
(function () {
  "use strict";

  var dragged = null, focusOn = "";

  function card(target) { return target.closest && target.closest("[data-card]"); }
  function lettersOff() {
    try { return localStorage.getItem("boss-keys") === "off"; } catch (refused) { return false; }
  }

  function move(from, to) {
    if (!to || from.closest("[data-column]").dataset.column === to) return;
    focusOn = from.dataset.card;
    window.htmx.ajax("POST", from.dataset.place, {
      target: "#board", swap: "outerHTML",
      values: { to: to, version: from.dataset.version, found: from.closest("[data-found]").dataset.found }
    });
  }

  document.addEventListener("dragstart", function (event) {
    dragged = card(event.target);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.card);
  });
  document.addEventListener("dragover", function (event) {
    var column = dragged && event.target.closest("[data-column]");
    if (!column) return;
    event.preventDefault();
    mark(column);
  });
  document.addEventListener("drop", function (event) {
    var column = dragged && event.target.closest("[data-column]");
    if (!column) return;
    event.preventDefault();
    move(dragged, column.dataset.column);
  });
  document.addEventListener("dragend", function () { dragged = null; mark(null); });

  function mark(column) {
    document.querySelectorAll(".board-column.over").forEach(function (each) { if (each !== column) each.classList.remove("over"); });
    if (column) column.classList.add("over");
  }

  document.addEventListener("keydown", function (event) {
    var at = card(event.target);
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (event.key === "m" && !lettersOff()) {
      var menu = at.querySelector("select");
      if (menu) { event.preventDefault(); menu.focus(); }
    } else if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      var columns = Array.prototype.slice.call(document.querySelectorAll("[data-column]"));
      var next = columns[columns.indexOf(at.closest("[data-column]")) + (event.key === "ArrowRight" ? 1 : -1)];
      event.preventDefault();
      if (next) move(at, next.dataset.column);
    }
  });

  // A menu's own form: the focus goes with its card, too.
  document.addEventListener("submit", function (event) {
    var at = card(event.target);
    if (at) focusOn = at.dataset.card;
  });
  document.addEventListener("htmx:afterSettle", function () {
    if (!focusOn) return;
    var place = document.querySelector('[data-card="' + CSS.escape(focusOn) + '"] [data-row]') || document.getElementById("board-said");
    focusOn = "";
    if (place) place.focus();
  });
})();
