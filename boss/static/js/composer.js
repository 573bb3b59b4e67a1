// Writing on a ticket: what is typed is kept on the server three seconds after the last key, reply and note apart;
// every ten seconds the page says that somebody is here; "/" on an empty line inserts a text.
(function () {
  "use strict";

  var KEEP_AFTER = 3000, BEAT = 10000, TYPING_FOR = 6000, AWAY_AFTER = 180000;
  var form, body, here, line, dialog, search, timer = 0, lastKey = 0, lastSign = Date.now();
  var kept = {}, texts = {}, kind = "public", going = null, leaving = false, at = [0, 0];

  function chosenKind() {
    var box = form.querySelector("input[name=kind]:checked") || form.querySelector("input[name=kind]");
    return box ? box.value : "public";
  }
  function dirty() { texts[kind] = body.value; return texts[kind] !== kept[kind]; }

  function post(data) {
    return fetch(form.dataset.beat, {
      method: "POST", body: data, credentials: "same-origin", redirect: "manual",
      headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content }
    });
  }
  function shut(answer) { return answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403; }

  // Whoever has signed in again in another tab has another token: this page takes it over, with its text.
  function renew() {
    return fetch(location.pathname, { credentials: "same-origin", redirect: "manual" }).then(function (answer) {
      if (!answer.ok) return false;
      return answer.text().then(function (html) {
        var meta = new DOMParser().parseFromString(html, "text/html").querySelector('meta[name="csrf-token"]');
        if (!meta) return false;
        document.querySelector('meta[name="csrf-token"]').content = meta.content;
        document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach(function (box) { box.value = meta.content; });
        return true;
      });
    });
  }

  // One request at a time. Resolves to "kept", "out" (signed out) or "away" (no connection, refused).
  function beat() {
    if (going) return going;
    var data = new FormData(), sent = null, of = kind;
    data.append("version", form.dataset.ticketVersion);
    if (Date.now() - lastKey < TYPING_FOR && body.value.trim()) data.append("typing", kind);
    if (dirty()) { sent = texts[of]; data.append("kind", of); data.append("text", sent); }
    going = post(data).then(function (answer) {
      if (!shut(answer)) return answer;
      return renew().then(function (renewed) { return renewed ? post(data) : answer; });
    }).then(function (answer) {
      if (shut(answer)) { say(form.dataset.signedOut); return "out"; }
      if (!answer.ok && answer.status !== 422) { say(form.dataset.unkept); return "away"; }
      return answer.text().then(function (html) {
        here.innerHTML = html;
        var told = here.querySelector("[data-kept]");
        if (sent !== null && answer.ok) kept[of] = sent;
        if (sent !== null || line.textContent === form.dataset.signedOut) say(told ? told.textContent : "");
        return answer.ok ? "kept" : "away";
      });
    }).catch(function () { say(form.dataset.unkept); return "away"; }).finally(function () { going = null; });
    return going;
  }
  function say(words) { if (line.textContent !== words) line.textContent = words; }
  function later() { clearTimeout(timer); timer = setTimeout(function () { if (!leaving && dirty()) beat(); }, KEEP_AFTER); }

  function changeKind() {
    texts[kind] = body.value;
    var was = kind;
    kind = chosenKind();
    if (kind === was) return;
    body.value = texts[kind] || "";
    if (texts[was] !== kept[was]) keepOther(was);
  }
  // The text that has just been laid aside is kept too, even when nothing more is typed.
  function keepOther(of) {
    var data = new FormData();
    data.append("kind", of);
    data.append("text", texts[of]);
    post(data).then(function (answer) { if (answer.ok) kept[of] = data.get("text"); })
      .catch(function () { /* with the next key */ });
  }

  function insert(text) {
    var start = at[0], end = at[1], value = body.value;
    body.value = value.slice(0, start) + text + value.slice(end);
    body.selectionStart = body.selectionEnd = start + text.length;
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function openTexts() {
    at = [body.selectionStart, body.selectionEnd]; // asked now: it is forgotten while the dialog is open
    dialog.showModal();
    search.value = "";
    search.focus();
    search.dispatchEvent(new Event("texts-opened"));
  }

  // An answer of one's own that has gone is no news: the forms of this page go on with the version it has made.
  function goOn() {
    var seen = document.querySelector("[data-seen-version]");
    if (!seen) return;
    var old = form.dataset.ticketVersion;
    document.querySelectorAll("input[name=version]").forEach(function (box) {
      if (box.value === old) box.value = seen.dataset.seenVersion;
    });
    form.dataset.ticketVersion = seen.dataset.seenVersion;
    seen.remove();
  }

  document.addEventListener("DOMContentLoaded", function () {
    form = document.querySelector("form[data-composer]");
    here = document.getElementById("presence");
    if (!form || !here) return;
    body = form.querySelector("textarea[name=body]");
    line = form.querySelector("[data-kept-line]");
    dialog = document.getElementById("texts");
    search = document.getElementById("texts-q");
    form.querySelectorAll("textarea[data-draft]").forEach(function (one) {
      texts[one.dataset.draft] = kept[one.dataset.draft] = one.value;
    });
    kind = chosenKind();
    if (texts[kind] !== body.value) texts[kind] = body.value; // a refused form shows what was sent

    body.addEventListener("input", function () { lastKey = lastSign = Date.now(); later(); });
    form.addEventListener("change", function (event) { if (event.target.name === "kind") changeKind(); });
    body.addEventListener("keydown", function (event) {
      var place = body.selectionStart;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (place !== 0 && body.value[place - 1] !== "\n") return;
      event.preventDefault();
      openTexts();
    });
    form.querySelector("[data-texts]").addEventListener("click", openTexts);
    document.addEventListener("click", function (event) {
      var text = event.target.closest("[data-insert]"), write = event.target.closest("[data-write]");
      if (text) { dialog.close(); body.focus(); insert(text.dataset.insert); }
      if (write) {
        var box = form.querySelector('input[name=kind][value="' + write.dataset.write + '"]');
        if (box && !box.checked) { box.checked = true; changeKind(); }
        body.focus();
      }
    });

    // What has not been kept yet is kept before it is sent: whoever was signed out meanwhile learns it here, with
    // the text still before him, and nothing that is on its way brings a sent text back.
    form.addEventListener("submit", function (event) {
      clearTimeout(timer);
      if (leaving || (!going && !dirty())) { leaving = true; return; }
      event.preventDefault();
      var by = event.submitter;
      Promise.resolve(going).then(beat).then(function (how) {
        if (how === "out") return;
        leaving = true;
        form.requestSubmit(by || undefined);
      });
    });
    window.addEventListener("pageshow", function () { leaving = false; });

    document.body.addEventListener("htmx:afterSettle", goOn);
    ["keydown", "pointerdown", "pointermove", "scroll"].forEach(function (name) {
      document.addEventListener(name, function () { lastSign = Date.now(); }, { passive: true });
    });
    // A page nobody looks at tells nothing, so that a forgotten one keeps no session alive.
    setInterval(function () {
      if (!leaving && !document.hidden && Date.now() - lastSign < AWAY_AFTER) beat();
    }, BEAT);
    document.addEventListener("visibilitychange", function () { if (document.hidden && dirty() && !leaving) beat(); });
    beat();
  });
})();
