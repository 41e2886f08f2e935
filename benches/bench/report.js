for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => row.cells[at].dataset.value;
    const compare = (a, b) => (Number.isFinite(+a) && Number.isFinite(+b) ? a - b : a.localeCompare(b));
    const rows = [...table.tBodies[0].rows];
    // Rows without the figure come last in both orders.
    rows.sort((a, b) => (key(a) === "") - (key(b) === "") || (ascending ? 1 : -1) * compare(key(a), key(b)));
    table.tBodies[0].append(...rows);
  }));
}
