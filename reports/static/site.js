/* Two conveniences: tables that sort and a list that searches. Everything can be read without them. */
(() => {
  "use strict";
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  for (const table of document.querySelectorAll("table[data-sort]")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const value = (row, at) => {
      const cell = row.cells[at];
      return cell.hasAttribute("data-v") ? cell.dataset.v : plain(cell.textContent.trim());
    };
    heads.forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = table.dataset.sort.replace("{}", head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const isNumber = head.classList.contains("number");
        const first = isNumber ? "descending" : "ascending";
        const other = isNumber ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...body.rows];
        rows.sort((one, two) => {
          const [a, b] = [value(one, at), value(two, at)];
          if (a === "" || b === "") return (a === "") - (b === "");
          return sign * (isNumber ? a - b : a.localeCompare(b, document.documentElement.lang));
        });
        body.append(...rows);
      });
    });
  }

  for (const box of document.querySelectorAll("[data-search]")) {
    const input = box.querySelector("input");
    const told = box.querySelector("[role=status]");
    const items = [...document.querySelectorAll(box.dataset.search)];
    box.hidden = false;
    input.addEventListener("input", () => {
      const wanted = plain(input.value.trim());
      let shown = 0;
      for (const item of items) {
        item.hidden = !plain(item.textContent).includes(wanted);
        shown += !item.hidden;
      }
      for (const group of document.querySelectorAll("[data-group]")) {
        group.hidden = !group.querySelector("li:not([hidden])");
      }
      told.textContent = shown ? told.dataset.found.replace("{}", shown) : told.dataset.none;
    });
  }
})();
