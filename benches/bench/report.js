for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => row.cells[at].dataset.value;
    const compare = (a, b) => (a === "" ? 1 : b === "" ? -1 : Number.isFinite(+a) && Number.isFinite(+b) ? a - b : a.localeCompare(b));
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => (ascending ? compare(key(a), key(b)) : compare(key(b), key(a))));
    table.tBodies[0].append(...rows);
  }));
}
