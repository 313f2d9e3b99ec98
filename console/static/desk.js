// Makes work at the desk quicker; everything is possible without it.
"use strict";
(() => {
  const findings = () => [...document.querySelectorAll("article.finding")];
  const links = () => [...document.querySelectorAll(".queue .open")];
  const go = (list, step) => {
    if (!list.length) return;
    const at = list.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
    const next = list[Math.min(Math.max(at + step, 0), list.length - 1)];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const chosen = document.querySelector("article.finding[data-chosen]");
  if (chosen) chosen.focus();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "Escape" && inField) return document.activeElement.closest("article.finding")?.focus();
    if (inField) return;
    const list = findings().length ? findings() : links();
    if (event.key === "?") {
      const keys = document.querySelector("#keys");
      if (!keys) return;
      event.preventDefault();
      keys.open = !keys.open;
      if (keys.open) keys.scrollIntoView({ block: "nearest" });
      return;
    }
    if (event.key === "n") {
      const next = document.querySelector("#following, a[rel=next]");
      return next?.click();
    }
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      return go(list, event.key === "j" ? 1 : -1);
    }
    // A letter opens that way of deciding the finding one is at.
    const at = document.activeElement.closest("article.finding") || findings()[0];
    const which = `details[data-key="${CSS.escape(event.key)}"]`;
    const act = at?.querySelector(which) ?? document.querySelector(`.whole${which.slice(7)}`);
    if (!act) return;
    event.preventDefault();
    act.open = true;
    act.querySelector("select, input:not([type=hidden]), textarea")?.focus();
  });
  // One way of deciding is open at a time, and a menu closes when one goes elsewhere.
  document.addEventListener("toggle", (event) => {
    const one = event.target;
    if (!one.open || !one.dataset?.key) return;
    for (const other of one.parentElement.querySelectorAll("details[data-key][open]")) if (other !== one) other.open = false;
  }, true);
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
})();
