// What the worklist does with script: it searches while one types, opens answers beside the list, and takes keys.
import "./copy.js";
import "./correction.js";
import "./heat.js";
import "./local-time.js";
import { request, send, show } from "./swap.js";

const WAIT_MS = 250; // after a key, as the next one may follow soon

const panel = () => document.getElementById("panel");
let timer = 0;
let search = new AbortController();
let opened = ""; // the id of the row whose answer the panel shows
let hasChanged = false; // since the panel was opened

/** Show how many rows are selected. */
function count() {
  const form = document.getElementById("selection");
  if (!form) return;
  const rows = [...form.querySelectorAll("[name=row]")];
  const page = document.querySelector("#select-page input");
  const status = document.getElementById("selected");
  const selected = rows.filter((row) => row.checked).length;
  document.getElementById("select-page").hidden = false;
  page.checked = selected === rows.length;
  page.indeterminate = selected > 0 && selected < rows.length;
  const words = selected === 1 ? status.dataset.one : status.dataset.many.replace("{count}", selected);
  status.textContent = form.elements.all.checked || !selected ? "" : words;
}

function filter(form) {
  search.abort(); // a late answer must not replace the list of a later search
  search = new AbortController();
  const { signal } = search;
  const parts = ["#rows", ".chips"]; // the field that one types in stays
  const address = `${form.action}?${new URLSearchParams([...new FormData(form)].filter(([, value]) => value))}`;
  if (address === location.href) return;
  show(address, { signal }, parts).then(count, () => signal.aborted || location.assign(address));
}

/** Put an answer into the panel, out of the page that shows it. */
function fill(page) {
  const [stage, answer] = [".stage", ".answer"].map((part) => page.querySelector(part));
  panel().querySelector(".panel-answer").replaceChildren(stage, answer);
  panel().querySelector(".problem").textContent = "";
  document.dispatchEvent(new Event("shown"));
  document.getElementById("answer-title").focus();
}

async function open(row) {
  opened = row.id;
  const { page } = await request(row.dataset.answer);
  if (!panel().open) panel().showModal();
  fill(page);
}

function openNext() {
  const rows = [...document.querySelectorAll("[data-answer]")];
  const after = rows.slice(rows.findIndex((row) => row.id === opened) + 1);
  const next = [...after, ...rows].find((row) => "review" in row.dataset && row.id !== opened);
  if (next) open(next);
}

/** Send a form of the panel, and show there what it answers. */
async function settle(form, submitter) {
  try {
    const { page } = await send(form, submitter, request);
    fill(page);
    hasChanged = true;
    const row = document.getElementById(opened);
    if (row) delete row.dataset.review;
  } catch (error) {
    panel().querySelector(".problem").textContent = error.message;
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "text") return;
  clearTimeout(timer);
  timer = setTimeout(() => filter(event.target.form), WAIT_MS);
});
document.addEventListener("change", (event) => {
  if (event.target.closest("#select-page")) {
    for (const row of document.querySelectorAll("[name=row]")) row.checked = event.target.checked;
  }
  if (event.target.form?.id === "selection") count();
  if (event.target.matches(".filters select")) filter(event.target.form);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".filters")) {
    event.preventDefault();
    clearTimeout(timer);
    filter(form);
  } else if (form.id === "settle") {
    event.preventDefault();
    send(form, event.submitter, (...asked) => show(...asked)).then(count, () => location.reload());
  } else if (panel().contains(form) && form.closest(".correction, .saved") && form.method === "post") {
    event.preventDefault();
    settle(form, event.submitter);
  }
});
document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const { target } = event;
  if (target.closest(".close")) panel().close();
  else if (target.closest("#panel .next")) {
    event.preventDefault();
    openNext();
  } else if (target.closest(".keys")) help();
  const row = target.closest("[data-answer]");
  const isOwn = target.closest("a:not(.thumbnail a, .cross), button, input, label");
  if (!row || isOwn) return;
  event.preventDefault();
  open(row).catch(() => location.assign(row.dataset.answer));
});
document.addEventListener("keydown", (event) => {
  const isTyped = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "n") openNext();
  if (key === "?") help();
  if (!panel()?.open) return;
  const rank = key === "y" ? 0 : Number(key) - 1;
  panel().querySelector(`[data-rank="${rank}"] .this`)?.click();
});

function help() {
  const keys = document.getElementById("keys");
  keys.hidden = !keys.hidden;
  panel().querySelector(".keys").ariaExpanded = String(!keys.hidden);
  if (!panel().open) panel().showModal();
}

document.addEventListener("close", () => {
  panel().querySelector(".panel-answer").replaceChildren();
  const id = opened;
  const back = () => document.getElementById(id)?.querySelector("a")?.focus();
  if (hasChanged) show(location.href, {}, ["#rows", ".chips"]).then(() => { count(); back(); }, () => location.reload());
  else back();
  hasChanged = false;
  opened = "";
}, true);
window.addEventListener("pageshow", count); // browsers restore the selection
count();
