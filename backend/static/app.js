"use strict";
// Pages work without this file. It keeps a second click from sending twice, says when the network failed,
// closes menus, and moves the reader to the summary of errors.
(function () {
  function notice(text) {
    var place = document.getElementById("notice");
    if (!place) return;
    place.textContent = text;
    place.className = "flash warning";
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent === "1") {
      event.preventDefault();
      return;
    }
    if (form.method !== "post" || event.defaultPrevented || form.hasAttribute("hx-post")) return;
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  });

  // Coming back by the history shows the form as it was left: it may be sent again.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      Array.from(form.elements).forEach(function (button) { button.removeAttribute("aria-busy"); });
    });
  });

  // Nothing that was typed stays in a browser that somebody else may use next.
  document.addEventListener("submit", function (event) {
    var button = event.submitter;
    var leaves = button && button.name === "act" && button.value === "sign-out";
    if (leaves || event.target.getAttribute("action") === "/dang-xuat") {
      sessionStorage.clear();
      if (window.BroadcastChannel) new BroadcastChannel("langnghe").postMessage("signed-out");
    }
  }, true);

  // What a page asks by itself fails in silence: nobody waits for it.
  function fails(event, words) {
    document.addEventListener(event, function (failure) {
      if (!failure.target.closest("[data-background]")) notice(document.body.dataset[words]);
    });
  }
  fails("htmx:sendError", "offline");
  fails("htmx:timeout", "offline");
  fails("htmx:responseError", "failed");

  // A menu closes by Escape and by a click beside it.
  function close(event) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (event.key === "Escape" || (event.type === "click" && !menu.contains(event.target))) menu.open = false;
    });
  }
  document.addEventListener("click", close);
  document.addEventListener("keydown", close);

  var summary = document.querySelector(".error-summary");
  if (summary) summary.focus();
})();
