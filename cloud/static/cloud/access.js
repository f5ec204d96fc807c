/* Assistive technology: icons are drawn as words of a font, so readers must not read them; links and buttons that show
   an icon alone get a name. Runs again for what is put on the page later. */
(function () {
  "use strict";
  const NAMES = {
    close: "Close", menu: "Menu", dark_mode: "Theme", light_mode: "Theme", computer: "Theme", person: "Account",
    add: "Add", arrow_circle_down: "Reverse the order", arrow_circle_up: "Reverse the order", cancel: "Remove from sorting",
    more_vert: "More", more_horiz: "More", chevron_left: "Back", chevron_right: "Next", first_page: "First page",
    last_page: "Last page", filter_list: "Filters", dock_to_right: "Hide or show the menu", search: "Search", history: "History",
  };
  function name(element) {
    if (element.tagName === "A" && !element.hasAttribute("href") && !element.hasAttribute("role")) {
      element.setAttribute("role", "button"); /* a link that leads nowhere is pressed, by keys too */
      element.tabIndex = 0;
    }
    if (element.getAttribute("aria-label") || element.title || element.querySelector("img[alt]")) { return; }
    const icons = Array.from(element.querySelectorAll(".material-symbols-outlined"));
    const copy = element.cloneNode(true);
    copy.querySelectorAll(".material-symbols-outlined").forEach(function (icon) { icon.remove(); });
    if (!copy.textContent.trim()) {
      const icon = icons.length ? icons[0].textContent.trim() : "";
      const opens = /open(\w+)/.exec(element.getAttribute("x-on:click") || "");
      const label = NAMES[icon] || (opens ? opens[1] : icon.replace(/_/g, " "));
      if (label) { element.setAttribute("aria-label", label); }
    }
  }
  function tidy(root) {
    root.querySelectorAll("a, button, [role=button]").forEach(name);
    root.querySelectorAll(".material-symbols-outlined:not([aria-hidden])").forEach(function (icon) {
      icon.setAttribute("aria-hidden", "true");
    });
  }
  document.addEventListener("keydown", function (event) {
    const pressed = event.target;
    if (pressed.matches && pressed.matches("a[role=button]:not([href])") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      pressed.click();
    }
  });
  document.addEventListener("DOMContentLoaded", function () {
    document.documentElement.lang = document.documentElement.lang || "en"; /* the browsable APIs' pages have none */
    tidy(document);
    new MutationObserver(function (changes) {
      if (changes.some(function (change) { return change.addedNodes.length; })) { tidy(document); }
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
