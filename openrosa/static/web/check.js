// Runs in any browser: says so where the page's own script can't run.
(function () {
  var can = window.HTMLScriptElement && HTMLScriptElement.supports && HTMLScriptElement.supports("importmap");
  if (can && window.WebAssembly && window.Promise) return;
  var config = JSON.parse(document.getElementById("config").textContent);
  document.getElementById("status").textContent = config.texts.old_browser[config.language];
})();
