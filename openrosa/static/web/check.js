// Runs in any browser: says so where the page's own script can't run, or a part of it did not arrive.
(function () {
  var config = JSON.parse(document.getElementById("config").textContent);
  var place = document.getElementById("status");
  var can = window.HTMLScriptElement && HTMLScriptElement.supports && HTMLScriptElement.supports("importmap");
  if (!can || !window.WebAssembly) {
    place.textContent = config.texts.old_browser[config.language];
    return;
  }
  window.addEventListener("load", function () {
    if (document.documentElement.dataset.started) return;
    var button = document.createElement("button");
    button.textContent = config.texts.try_again[config.language];
    button.addEventListener("click", function () {
      location.reload();
    });
    place.className += " bad";
    place.textContent = config.texts.not_loaded[config.language] + " ";
    place.appendChild(button);
  });
})();
