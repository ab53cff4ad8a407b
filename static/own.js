// What "Your categories" does with script: photos are added as soon as they are chosen or dropped.
import { entriesOf, photosIn } from "./dropped.js";
import { fit } from "./fit.js";
import { show } from "./swap.js";

const MOST = 2000; // photos of a folder that are looked at; the server has limits of its own
const MAX_TRIES = 10;
const MAX_WAIT_SECONDS = 120;
let isBusy = false;

/** Send the photos for a category one by one, and show the page with them. */
async function add(form, files) {
  if (isBusy || !files.length) return;
  isBusy = true;
  const texts = document.getElementById("own").dataset;
  let problem = "";
  for (const [place, file] of files.entries()) {
    form.querySelector(".progress").textContent = texts.sending
      .replace("{done}", place + 1)
      .replace("{all}", files.length);
    try {
      problem = await sendPhoto(form, file);
    } catch {
      problem = texts.unsent;
    }
    if (problem) break;
  }
  isBusy = false;
  await show(location.href, {}, ["main"]).catch(() => location.reload());
  const again = document.querySelector(`form[action="${form.getAttribute("action")}"].photos`);
  again.querySelector(".problem").textContent = problem;
  again.querySelector("input[type=file]").focus({ preventScroll: true });
}

/** Send one photo, again while the site is busy; return what is wrong with it, if anything. */
async function sendPhoto(form, file) {
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  body.set("image", await fit(file), file.name);
  const headers = { Accept: "application/json" };
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(form.action, { method: "POST", headers, body });
    if (response.ok) return "";
    const seconds = Number(response.headers.get("Retry-After"));
    if (!seconds || seconds > MAX_WAIT_SECONDS || tries === MAX_TRIES) return (await response.json()).error.message;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form.photos");
  if (form) add(form, [...event.target.files]);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault(); // beside a category, too: the photo must not replace the page
  mark(event.target.closest(".own-category"));
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) mark(null);
});
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  mark(null);
  const section = event.target.closest(".own-category");
  if (!section) return;
  const form = section.querySelector("form.photos");
  const files = [...event.dataTransfer.files]; // only there while the event lasts
  const entries = entriesOf(event.dataTransfer);
  const isFolder = entries.some((entry) => entry.isDirectory);
  const photos = isFolder ? await photosIn(entries, MOST) : files;
  if (photos.length) await add(form, photos);
  else form.querySelector(".problem").textContent = document.getElementById("own").dataset.noPhotoInside;
});

function mark(section) {
  for (const other of document.querySelectorAll(".dropping")) other.classList.remove("dropping");
  section?.classList.add("dropping");
}
