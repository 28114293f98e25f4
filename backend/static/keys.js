"use strict";
// Single keys for the inbox and the page of a ticket. They work only outside of fields and dialogs, never together with
// Ctrl, Alt or Meta, and can be switched off (WCAG 2.1.4); the choice stays in this browser. Pages work without them.
(function () {
  var dialog = document.getElementById("keys");
  var opener = document.getElementById("keys-open");
  if (!dialog || !dialog.showModal || !opener) return;
  var OFF = "keys-off";
  var rows = Array.prototype.slice.call(document.querySelectorAll("#rows > li"));
  var many = document.getElementById("many");
  var typed = document.getElementById("typed");
  var boxOfKeys = document.getElementById("keys-on");
  var current = -1;

  function isOff() {
    try { return localStorage.getItem(OFF) === "1"; } catch (blocked) { return false; }
  }

  // --- the dialog: the browser keeps the focus in it, closes it by Escape and returns the focus ---
  function openDialog() {
    boxOfKeys.checked = !isOff();
    dialog.showModal();
  }
  opener.hidden = false;
  opener.addEventListener("click", openDialog);
  boxOfKeys.addEventListener("change", function () {
    try { localStorage.setItem(OFF, boxOfKeys.checked ? "0" : "1"); } catch (blocked) { /* for this page alone */ }
  });

  // --- rows: the link of the row has the focus, so that a screen reader reads it ---
  function linkOf(row) { return row && row.querySelector("h2 a"); }
  function boxOf(row) { return row && row.querySelector("input[name=pick]"); }
  function here() {
    var focused = rows.findIndex(function (row) { return row.contains(document.activeElement); });
    return focused >= 0 ? focused : current;
  }
  function go(step) {
    var next = Math.min(Math.max(here() + step, 0), rows.length - 1);
    if (!rows[next]) return;
    if (rows[current]) rows[current].classList.remove("current");
    current = next;
    rows[current].classList.add("current");
    linkOf(rows[current]).focus();
  }

  // --- ticking ---
  function boxes() { return rows.map(boxOf).filter(Boolean); }
  function countTicked() {
    var place = document.getElementById("ticked");
    var ticked = boxes().filter(function (box) { return box.checked; }).length;
    if (place) place.textContent = ticked ? place.dataset.text.replace("{n}", ticked) : "";
    var all = document.querySelector("[data-tick-all]");
    if (!all) return;
    all.dataset.all = all.dataset.all || all.textContent;
    all.textContent = ticked === boxes().length ? all.dataset.none : all.dataset.all;
  }
  function tick() {
    var box = boxOf(rows[here()]);
    if (!box) return;
    box.checked = !box.checked;
    countTicked();
  }
  if (many) {
    document.addEventListener("change", function (event) { if (event.target.name === "pick") countTicked(); });
    document.querySelector("[data-tick-all]").addEventListener("click", function (event) {
      event.preventDefault();
      var every = boxes().every(function (box) { return box.checked; });
      boxes().forEach(function (box) { box.checked = !every; });
      countTicked();
    });
    window.addEventListener("pageshow", countTicked);
  }

  // --- actions ---
  // An action of the inbox is for the ticked rows, or else for the present one.
  function actOnRows(path) {
    var button = many && many.querySelector('button[name=act][value="' + path + '"]');
    if (!button) return false;
    if (!boxes().some(function (box) { return box.checked; })) tick();
    button.click();
    return true;
  }
  function unfold(control) {
    for (var part = control; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    control.focus();
    return true;
  }
  function toField(selector) {
    var field = typed && typed.querySelector(selector);
    return Boolean(field) && unfold(field);
  }
  function press(path) {
    var button = typed && typed.querySelector('button[formaction$="/' + path + '"]:not([name=preview])');
    if (button) button.click();
    return Boolean(button);
  }
  function follow(selector) {
    var link = document.querySelector(selector);
    if (link) link.click();
    return Boolean(link);
  }

  function search() {
    var field = document.getElementById("q");
    if (field) field.focus();
    else location.href = "/hop-thu/tim";
  }

  var KEYS = {
    "?": openDialog,
    j: function () { go(1); },
    ArrowDown: function () { if (here() >= 0) go(1); else return false; },
    k: function () { go(-1); },
    ArrowUp: function () { if (here() >= 0) go(-1); else return false; },
    o: function () { var link = linkOf(rows[here()]); if (link) link.click(); },
    x: tick,
    t: function () { return actOnRows("chap-nhan") || press("chap-nhan"); },
    a: function () { return toField("[name=answer], [name=approved], [name=draft]"); },
    g: function () { return actOnRows("giao-viec") || toField("[name=to_user]"); },
    "/": search,
    n: function () { return follow("nav.beside a[rel=next]"); },
    u: function () { return follow("nav.beside a:first-child"); },
  };

  function isTyping(target) {
    if (target.isContentEditable) return true;
    if (/^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
    return target.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(target.type);
  }
  // Radio buttons move by the arrows; a key must not take them away.
  function isArrowed(event) { return event.target.type === "radio" && event.key.indexOf("Arrow") === 0; }

  document.addEventListener("keydown", function (event) {
    var action = Object.prototype.hasOwnProperty.call(KEYS, event.key) && KEYS[event.key];
    if (!action || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target) || isArrowed(event) || isOff()) return;
    if (action() !== false) event.preventDefault();
  });
})();
