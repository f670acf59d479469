// Runs before the page is drawn, so that it does not flash in the other colours.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("wolfscale.theme");
  } catch {
    // Storage is off: the system's colours it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
