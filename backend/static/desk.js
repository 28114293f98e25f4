"use strict";
// The page of a ticket works without this file. It saves what is typed some two seconds after the last key, and when the
// page is left, and says when. Until the server has it, a copy stays in this tab (sessionStorage), so that a browser
// that dies loses nothing. The copy is removed when it is saved, and at sign-out in every tab.
(function () {
  var form = document.getElementById("typed");
  if (!form || !form.dataset.save) return;
  var PAUSE = 1500, RETRY = 5000, LOOK = 20000, ACTIVE = 10 * 60 * 1000;
  var place = document.getElementById("draft");
  var writers = document.getElementById("writers");
  var key = "draft:" + form.dataset.draft;
  var owner = form.dataset.draft.split(":")[0];
  var typed = false; // something typed is not saved yet
  var running = null; // the save on its way
  var leaving = false; // a button was pressed: the page itself carries everything
  var timer = 0, touched = Date.now();

  function say(text, failed) {
    place.textContent = text;
    place.className = failed ? "failed" : "";
  }

  function fields() {
    var data = new FormData(form);
    data.delete("act");
    return data;
  }

  // --- the copy in this tab ---
  function keepCopy(submitted) {
    var values = submitted ? { "submitted": "yes" } : {};
    fields().forEach(function (value, name) { if (typeof value === "string") values[name] = value; });
    try { sessionStorage.setItem(key, JSON.stringify(values)); } catch (full) { /* the server has most of it */ }
  }
  function dropCopy() { sessionStorage.removeItem(key); }
  function dropCopiesOfOthers() {
    Object.keys(sessionStorage).forEach(function (name) {
      if (name.indexOf("draft:") === 0 && name.indexOf("draft:" + owner + ":") !== 0) sessionStorage.removeItem(name);
    });
  }
  // What the server already shows wins over an equal or emptier copy.
  function readCopy(name) {
    try { return JSON.parse(sessionStorage.getItem(name)); } catch (broken) { return null; }
  }
  // A copy of what a button has sent is done with once its page says so, or once the ticket has moved on.
  function dropSubmitted() {
    var done = document.querySelector("p.flash.success");
    Object.keys(sessionStorage).forEach(function (name) {
      var values = name.indexOf("draft:") === 0 && readCopy(name);
      if (!values || !values.submitted) return;
      var moved = name === key && Number(values.version) < Number(form.elements.version.value);
      if (done || moved) sessionStorage.removeItem(name);
    });
  }
  function restoreCopy() {
    var values = readCopy(key), restored = false;
    if (!values) return;
    form.querySelectorAll("textarea, input, select").forEach(function (control) {
      var value = values[control.name];
      if (control.type === "hidden" || value === undefined || value === "") return;
      if (control.type === "radio" || control.type === "checkbox") {
        if (control.value === value && !control.checked) control.checked = restored = true;
      } else if (control.value.replace(/\r\n/g, "\n") !== value.replace(/\r\n/g, "\n")) {
        control.value = value;
        restored = true;
      }
    });
    if (!restored) return dropCopy();
    say(form.dataset.restored);
    typed = true;
    plan(0);
  }

  // --- saving ---
  function plan(wait) {
    clearTimeout(timer);
    timer = setTimeout(save, wait);
  }
  function save(last) {
    if (!typed || leaving || running) return running;
    var data = fields();
    data.set("quiet", "1");
    typed = false;
    if (!last) say(form.dataset.saving);
    running = fetch(form.dataset.save, { method: "POST", body: data, keepalive: last === true, redirect: "manual" })
      .then(function (answer) {
        if (answer.type === "opaqueredirect" || answer.status === 401) throw new Error("signed-out");
        if (answer.status >= 500) throw new Error("offline");
        return answer.json().then(function (result) {
          if (answer.ok) {
            form.elements.revision.value = result.revision;
            if (!typed) dropCopy();
          }
          say(result.text, !answer.ok);
        });
      })
      .catch(function (failure) {
        typed = true;
        say(failure.message === "signed-out" ? form.dataset.signedOut : form.dataset.offline, true);
        plan(RETRY);
      })
      .then(function () { running = null; if (typed && !leaving) plan(PAUSE); });
    return running;
  }
  function changed() {
    typed = true;
    touched = Date.now();
    keepCopy();
    plan(PAUSE);
  }
  function flush() {
    if (document.visibilityState === "hidden" && typed && !leaving) save(true);
  }
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  document.addEventListener("visibilitychange", flush);
  window.addEventListener("pagehide", function () { if (typed && !leaving) save(true); });
  window.addEventListener("online", function () { if (typed) plan(0); });

  // A button carries every text itself. A save that is still on its way must arrive before it: after it, the save would
  // bring back what was just sent.
  form.addEventListener("submit", function (event) {
    var signsOut = event.submitter && event.submitter.value === "sign-out";
    if (typed && !signsOut) keepCopy(true);
    leaving = true;
    clearTimeout(timer);
    if (running) {
      event.preventDefault();
      event.stopPropagation();
      var button = event.submitter;
      running.then(function () { form.requestSubmit(button); });
    }
  }, true);
  window.addEventListener("pageshow", function () { leaving = false; });

  // --- who else is writing: asked only while somebody is at this page, so that an idle session still ends ---
  document.addEventListener("keydown", function () { touched = Date.now(); });
  document.addEventListener("pointerdown", function () { touched = Date.now(); });
  setInterval(function () {
    var present = document.visibilityState === "visible" && Date.now() - touched < ACTIVE;
    if (present && writers && window.htmx) window.htmx.trigger(writers, "look");
  }, LOOK);

  if (window.BroadcastChannel) {
    new BroadcastChannel("langnghe").onmessage = function (message) {
      if (message.data !== "signed-out") return;
      leaving = true;
      clearTimeout(timer);
      sessionStorage.clear();
    };
  }
  dropCopiesOfOthers();
  dropSubmitted();
  restoreCopy();
})();
