/* Refreshes what changes on a page: the element with data-live="address" is fetched again every data-every seconds.
   Nothing is fetched in a hidden tab, and nothing is replaced that has not changed (ETag, 304). */
(function () {
  "use strict";
  let etag = "", timer = 0, busy = false;

  function region() { return document.querySelector("[data-live]"); }

  function schedule() {
    window.clearTimeout(timer);
    const live = region();
    const seconds = live ? Number(live.dataset.every) : 0;
    if (seconds > 0) { timer = window.setTimeout(refresh, seconds * 1000); }
  }

  function holdsSelection(live) {
    const selection = window.getSelection();
    if (selection && !selection.isCollapsed && live.contains(selection.anchorNode)) { return true; }
    return live.querySelector("input:checked") !== null;
  }

  function refresh() {
    const live = region();
    if (!live || document.hidden || busy || holdsSelection(live)) { schedule(); return; }
    busy = true;
    window.htmx.ajax("GET", live.dataset.live, { source: live, target: live, swap: "outerHTML", select: "#cel-live" })
      .catch(function () { /* the next round tries again */ })
      .then(function () { busy = false; schedule(); });
  }

  /* What the reader has opened, scrolled and focused stays so. */
  function remember(live) {
    const active = live.contains(document.activeElement) ? document.activeElement : null;
    return {
      open: Array.from(live.querySelectorAll("details[id][open]"), function (each) { return each.id; }),
      console: (live.querySelector(".cel-console") || {}).scrollTop,
      href: active && active.getAttribute("href"),
    };
  }

  function restore(live, kept) {
    kept.open.forEach(function (id) { const each = document.getElementById(id); if (each) { each.open = true; } });
    const box = live.querySelector(".cel-console");
    if (box && kept.console !== undefined) { box.scrollTop = kept.console; }
    if (kept.href) {
      const same = Array.from(live.querySelectorAll("a[href]")).find(function (each) { return each.getAttribute("href") === kept.href; });
      if (same) { same.focus({ preventScroll: true }); }
    }
  }

  let kept = null;
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.elt !== region()) { return; }
    event.detail.headers["X-Live"] = "1";
    if (etag) { event.detail.headers["If-None-Match"] = etag; }
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.target !== region()) { return; }
    const fresh = event.detail.xhr.getResponseHeader("X-Live-ETag");
    if (event.detail.xhr.status !== 200 || !fresh) { event.detail.shouldSwap = false; event.detail.isError = false; return; }
    etag = fresh;
    kept = remember(event.detail.target);
  });
  document.addEventListener("htmx:afterSettle", function () {
    const live = region();
    if (!live || !kept) { return; }
    restore(live, kept);
    kept = null;
    const boxes = live.querySelectorAll("input.action-select");
    const list = live.closest(".result-list-wrapper");
    if (boxes.length && list && window.Actions) { window.Actions(boxes, { parent: list }); } /* selecting many */
  });
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { refresh(); } });
  document.addEventListener("DOMContentLoaded", schedule);
})();
