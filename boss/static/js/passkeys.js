// Passkeys: the two ceremonies of WebAuthn between the browser and our addresses.
// A button <button data-passkey="get|create" data-options="…" data-send="…" data-next="…"> inside [data-passkeys].
(function () {
  "use strict";

  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (letter) { return letter.charCodeAt(0); });
  }
  function text(buffer) {
    var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function credentials(list) {
    return (list || []).map(function (each) { return Object.assign({}, each, { id: bytes(each.id) }); });
  }

  function post(address, fields) {
    return fetch(address, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content, "Accept": "application/json" },
      body: new URLSearchParams(fields)
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (!answer.ok) throw new Error(said.detail || "");
        return said;
      });
    });
  }

  function get(options) {
    options.challenge = bytes(options.challenge);
    if (options.allowCredentials) options.allowCredentials = credentials(options.allowCredentials);
    return navigator.credentials.get({ publicKey: options }).then(function (made) {
      var answer = made.response;
      return {
        id: made.id, rawId: text(made.rawId), type: made.type,
        response: {
          clientDataJSON: text(answer.clientDataJSON),
          authenticatorData: text(answer.authenticatorData),
          signature: text(answer.signature),
          userHandle: answer.userHandle ? text(answer.userHandle) : null
        },
        clientExtensionResults: {}
      };
    });
  }

  function create(options) {
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = credentials(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options }).then(function (made) {
      return {
        id: made.id, rawId: text(made.rawId), type: made.type,
        response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) },
        clientExtensionResults: {}
      };
    });
  }

  function say(place, words) {
    var line = place.querySelector("[data-passkey-said]");
    line.textContent = words;
    line.hidden = !words;
  }

  function act(button, place) {
    var named = place.querySelector("[name=passkey_name]");
    say(place, "");
    if (named && !named.value.trim()) {
      say(place, place.dataset.nameless);
      named.focus();
      return;
    }
    button.disabled = true;
    post(button.dataset.options, {})
      .then(button.dataset.passkey === "create" ? create : get)
      .then(function (answer) {
        return post(button.dataset.send, { answer: JSON.stringify(answer), name: named ? named.value : "", next: button.dataset.next || "" });
      })
      .then(function (said) { location.assign(said.next); })
      .catch(function (error) {
        button.disabled = false;
        // The browser's own errors are for programmers; a refusal of ours has words.
        say(place, error instanceof DOMException || !error.message ? place.dataset.failed : error.message);
      });
  }

  document.querySelectorAll("[data-passkeys]").forEach(function (place) {
    var able = window.isSecureContext && window.PublicKeyCredential && navigator.credentials;
    place.querySelectorAll("[data-passkey-able]").forEach(function (part) { part.hidden = !able; });
    place.querySelectorAll("[data-passkey-unable]").forEach(function (part) { part.hidden = !!able; });
    if (!able) return;
    place.querySelectorAll("[data-passkey]").forEach(function (button) {
      button.addEventListener("click", function () { act(button, place); });
    });
  });
})();
