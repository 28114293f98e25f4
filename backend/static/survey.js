"use strict";
// The page works without this file. A digit chooses that level of the answer in focus and moves on to the next one.
(function () {
  var form = document.querySelector("form.ballot");
  if (!form) return;
  form.addEventListener("keydown", function (event) {
    if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    var here = event.target;
    if (here.type !== "radio") return;
    var group = here.closest("fieldset.answer");
    var wanted = group && group.querySelector('input[type=radio][value="' + event.key + '"]');
    if (!wanted) return;
    event.preventDefault();
    wanted.checked = true;
    var groups = Array.prototype.slice.call(form.querySelectorAll("fieldset.answer"));
    var next = groups[groups.indexOf(group) + 1];
    var target = next ? next.querySelector("input:checked") || next.querySelector("input") : form.querySelector("button");
    if (target) target.focus();
  });
})();
