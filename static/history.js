// Conveniences for the worklist: select all rows of the page, and show how many are selected.
"use strict";

const form = document.getElementById("selection");

if (form) {
  const all = form.elements.all;
  const rows = [...form.querySelectorAll("[name=row]")];
  const selectPage = document.getElementById("select-page");
  const page = selectPage.querySelector("input");
  const status = document.getElementById("selected");

  const update = () => {
    const count = rows.filter((row) => row.checked).length;
    page.checked = count === rows.length;
    page.indeterminate = count > 0 && count < rows.length;
    const words = count === 1 ? status.dataset.one : status.dataset.many.replace("{count}", count);
    status.textContent = all.checked || !count ? "" : words;
  };

  selectPage.hidden = false;
  page.addEventListener("change", () => {
    for (const row of rows) row.checked = page.checked;
  });
  form.addEventListener("change", update);
  window.addEventListener("pageshow", update); // browsers restore the selection
}
