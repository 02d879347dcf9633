// Loaded first on every page: what the widgets' and the theme's scripts take for granted, and a page that works
// offline, from the file system and at any depth has to provide itself.
(() => {
  "use strict";

  // Where the widgets' icon fonts lie: beside this file, whatever the depth of the page or its protocol.
  window.__jupyter_widgets_assets_path__ = new URL("offline/widgets/", document.currentScript.src).href;

  // The widgets ask for formulas in labels through MathJax 2's queue; the book carries MathJax 3.
  function standInForHub() {
    const mathjax = window.MathJax;
    if (!mathjax || mathjax.Hub || !mathjax.typesetPromise) return;
    let last = mathjax.startup ? mathjax.startup.promise : Promise.resolve();
    mathjax.Hub = {
      Queue: (...jobs) => {
        for (const job of jobs) {
          const element = Array.isArray(job) ? job[2] : undefined;
          last = last.then(() => mathjax.typesetPromise(element ? [element] : undefined)).catch(console.error);
        }
      },
    };
  }
  // This listener stands before the widgets' own, which draw them on the same event.
  window.addEventListener("load", standInForHub);

  // Paper is white: a dark page turns light for printing, code included, and back afterwards.
  const root = document.documentElement;
  let shown = null;
  window.matchMedia("print").addEventListener("change", (media) => {
    if (media.matches) {
      shown = root.dataset.theme;
      root.dataset.theme = "light";
    } else if (shown) {
      root.dataset.theme = shown;
      shown = null;
    }
  });

  // A link to a unit's record, or to a claim, opens it.
  function openTarget() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && (target.tagName === "DETAILS" ? target : target.querySelector(":scope > details"));
    if (folded) {
      folded.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", openTarget);
  document.addEventListener("DOMContentLoaded", openTarget);

  // The ledger's menus: claims of one study, or with one verdict; and all rows opened at once, as on paper.
  function setUpLedger() {
    const form = document.querySelector("form.ledger-filter");
    if (!form) return;
    const rows = [...document.querySelectorAll("ul.verdicts.ledger > li")];
    const said = form.querySelector("output");
    function choose() {
      const { paper, status } = form.elements;
      let shown = 0;
      for (const row of rows) {
        const wanted =
          (!paper.value || row.dataset.paper === paper.value) &&
          (!status.value || row.dataset.verdict === status.value);
        row.hidden = !wanted;
        shown += wanted;
      }
      said.value = `${shown} of ${rows.length} claims and parts`;
    }
    form.addEventListener("change", choose);
    form.addEventListener("submit", (event) => event.preventDefault());
    const button = form.querySelector("button");
    button.addEventListener("click", () => {
      const opening = button.textContent === "Open all";
      for (const row of rows) row.querySelector("details").open = opening;
      button.textContent = opening ? "Close all" : "Open all";
    });
    form.hidden = false;
    choose();
  }
  document.addEventListener("DOMContentLoaded", setUpLedger);

  // Paper has nothing to click on: verdicts are printed with all that they rest on.
  window.addEventListener("beforeprint", () => {
    for (const row of document.querySelectorAll("ul.verdicts details")) row.open = true;
  });

  // A browser lets no page of the file system fetch another: search lists its results without excerpts then.
  if (location.protocol === "file:") {
    document.addEventListener("DOMContentLoaded", () => {
      if (typeof DOCUMENTATION_OPTIONS !== "undefined") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
    });
  }
})();
