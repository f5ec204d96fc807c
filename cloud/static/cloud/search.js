/* Keys in the search field on top: arrows choose among what was found, Enter opens the chosen, or the first. */
(function () {
  "use strict";
  let chosen = -1;
  function links() { return Array.from(document.querySelectorAll("#search-results a")); }
  function choose(index) {
    const all = links();
    chosen = Math.max(-1, Math.min(index, all.length - 1));
    all.forEach(function (link, place) { link.classList.toggle("cel-chosen", place === chosen); });
    if (chosen >= 0) { all[chosen].scrollIntoView({ block: "nearest" }); }
  }
  document.addEventListener("keydown", function (event) {
    if (!event.target.matches || !event.target.matches("#nav-filter")) { return; }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const link = links()[Math.max(chosen, 0)];
      if (link) { window.location.assign(link.href); }
    }
  });
  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id === "search-results") { chosen = -1; }
  });
})();
