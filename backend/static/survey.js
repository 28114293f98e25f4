"use strict";
// The page works without this file. A digit chooses that level of the answer in focus and moves on, or ticks that
// option where several may be chosen; Enter moves on and never sends a half-filled ballot, which the button alone does.
(function () {
  var form = document.querySelector("form.ballot");
  if (!form) return;
  function stops() {
    return Array.prototype.filter.call(form.querySelectorAll("input, select, button"), function (one) {
      if (one.type === "hidden" || one.disabled) return false;
      return one.type !== "radio" || one.checked || !form.querySelector('input[name="' + one.name + '"]:checked');
    });
  }
  function moveOn(here) {
    var group = here.closest("fieldset");
    var after = stops().filter(function (one) {
      return here.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !(group && group.contains(one));
    });
    if (after.length) after[0].focus();
  }
  function choose(group, digit) {
    var ticks = group.querySelectorAll("input[type=checkbox]");
    var wanted = ticks.length ? ticks[digit - 1] : group.querySelector('input[type=radio][value="' + digit + '"]');
    group.classList.toggle("no-such", !wanted);
    if (!wanted) return;
    wanted.checked = ticks.length ? !wanted.checked : true;
    wanted.focus();
    if (!ticks.length) moveOn(wanted);
  }
  form.addEventListener("keydown", function (event) {
    var here = event.target;
    if (event.ctrlKey || event.altKey || event.metaKey || here.tagName === "BUTTON") return;
    var group = here.closest("fieldset.answer");
    if (event.key === "Enter") {
      event.preventDefault();
      moveOn(here);
    } else if (group && /^[0-9]$/.test(event.key)) {
      event.preventDefault();
      choose(group, Number(event.key));
    }
  });
})();
