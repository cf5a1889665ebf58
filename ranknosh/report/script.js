"use strict";
(() => {
  /* Tables: a column's name sorts the rows by it, once more turns them round. What is no number comes last among numbers. */
  const worth = (row, at) => {
    const cell = row.cells[at], text = cell.dataset.value ?? cell.textContent.trim();
    return [parseFloat(text.replace(/,/g, "").replace("\u2212", "-")), text];
  };
  const compare = ([a, s], [b, t], sign) => {
    if (Number.isNaN(a) || Number.isNaN(b)) {
      if (Number.isNaN(a) && Number.isNaN(b)) return sign * s.localeCompare(t);
      return Number.isNaN(a) ? 1 : -1;
    }
    return sign * (a - b);
  };
  const sort = (table, at) => {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [worth(row, at), row]);
    const numbers = rows.some(([[value]]) => !Number.isNaN(value)), before = heads[at].getAttribute("aria-sort");
    const rising = before ? before === "descending" : !numbers;
    rows.sort(([a], [b]) => compare(a, b, rising ? 1 : -1));
    body.append(...rows.map(([, row]) => row));
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[at].setAttribute("aria-sort", rising ? "ascending" : "descending");
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, at));
      head.append(button);
    });
  }

  /* Plots: what a mark is, while the pointer is on it. */
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const title of document.querySelectorAll(".spots title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  const show = (event) => {
    const words = event.target.dataset?.tip;
    tip.hidden = !words;
    if (!words) return;
    tip.textContent = words;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4)) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
  };
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, show);

  /* Folds: a link opens what it leads to, paper shows them all, and a page that is loaded again keeps what was open. */
  const folds = [...document.querySelectorAll("details.fold")], key = (at) => "fold " + location.pathname + " " + at;
  const reveal = () => {
    const fold = document.getElementById(location.hash.slice(1))?.querySelector("details.fold");
    if (fold) fold.open = true;
  };
  folds.forEach((fold, at) => {
    try {
      fold.open = fold.open || sessionStorage.getItem(key(at)) === "open";
      fold.addEventListener("toggle", () => sessionStorage.setItem(key(at), fold.open ? "open" : ""));
    } catch { /* storage is refused to files by some browsers */ }
  });
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => folds.forEach((fold) => { fold.open = true; }));
})();
