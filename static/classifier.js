// What "Run the app" does with script: a photo is classified as soon as it is there, and the page stays.
import "./copy.js";
import "./correction.js";
import { entriesOf, photosIn } from "./dropped.js";
import { fit, MAX_BYTES, shrink } from "./fit.js";
import "./heat.js";
import "./local-time.js";
import { classifyEach } from "./several.js";
import { Refused, send, show } from "./swap.js";

const PATIENCE_MS = 150; // a faster answer needs no placeholder

const at = (id) => document.getElementById(id);
let wantsOne = false; // "one product" was chosen, but is off while there are too many photos
let isBusy = false;

/** Refuse at once what says that it is no picture; what it is, the server judges by its bytes. */
function problemOfType(file) {
  const isLikely = ["", "application/octet-stream"].includes(file.type) || file.type.startsWith("image/");
  return isLikely ? "" : at("upload").dataset.notAPhoto;
}

/** Return what is wrong with a photo, which was made smaller if it was too large. */
function problemOf(file) {
  return problemOfType(file) || (file.size > MAX_BYTES ? at("upload").dataset.tooLarge : "");
}

function problemOfAll(files) {
  const texts = at("upload").dataset;
  if (files.length > Number(texts.maxAtOnce)) return texts.tooMany;
  return files.length === 1 ? problemOfType(files[0]) : ""; // each of several shows its own
}

function complain(problem, field = "image") {
  for (const name of ["image", "url"]) {
    if (!at(name)) continue;
    at(`${name}-problem`).textContent = name === field ? problem : "";
    if (problem && name === field) at(name).setAttribute("aria-invalid", "true");
    else at(name).removeAttribute("aria-invalid");
  }
}

function choose(files) {
  const transfer = new DataTransfer(); // the only way to put files into a file input
  for (const file of files) transfer.items.add(file);
  at("image").files = transfer.files;
}

/** Take photos that were dropped or pasted, besides those that wait for a click. */
function add(files) {
  const isMore = document.querySelector(".chosen").classList.contains("needed");
  take([...(isMore ? at("image").files : []), ...files]);
}

async function addFolders(entries) {
  const texts = at("upload").dataset;
  const photos = await photosIn(entries, Number(texts.maxAtOnce) + 1); // one more says that there are too many
  if (photos.length) add(photos);
  else complain(texts.noPhotoInside);
}

/** Show the chosen photos, or classify the only one. */
function take(files) {
  choose(files);
  const problem = problemOfAll(files);
  if (problem) choose([]);
  complain(problem);
  const chosen = [...at("image").files];
  const isSeveral = chosen.length > 1;
  document.querySelector(".chosen").classList.toggle("needed", isSeveral);
  for (const preview of document.querySelectorAll(".previews img")) URL.revokeObjectURL(preview.src);
  document.querySelector(".previews").replaceChildren(...(isSeveral ? chosen.map(previewOf) : []));
  at("image-name").textContent = isSeveral ? at("upload").dataset.count.replace("{count}", chosen.length) : "";
  if (isSeveral) offerOneProduct(chosen.length <= Number(at("upload").dataset.maxPhotos));
  if (chosen.length === 1) at("upload").requestSubmit(at("classify"));
}

function previewOf(file) {
  const row = document.createElement("li");
  const photo = Object.assign(new Image(), { alt: file.name, title: file.name, src: URL.createObjectURL(file) });
  photo.addEventListener("error", () => photo.replaceWith(file.name)); // the server may read what this browser cannot
  const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  remove.ariaLabel = at("upload").dataset.remove.replace("{name}", file.name);
  remove.addEventListener("click", () => {
    const rest = [...at("image").files].filter((one) => one !== file);
    take(rest);
    (document.querySelector(".previews button") ?? at("image")).focus();
  });
  row.append(photo, remove);
  return row;
}

function offerOneProduct(isPossible) {
  const [each, one] = at("upload").elements.product;
  if (isPossible && wantsOne) one.checked = true;
  wantsOne = !isPossible && (wantsOne || one.checked);
  one.disabled = !isPossible;
  if (!isPossible) each.checked = true;
}

function submit(event) {
  const form = event.target;
  if (!form.closest("main") || form.action.includes("/export/")) return;
  event.preventDefault();
  if (isBusy) return;
  if (form.id !== "upload") {
    ask(form, event.submitter);
    return;
  }
  const files = [...at("image").files];
  const isAddress = event.submitter.formAction.endsWith("/address") && at("url").value.trim();
  const isUpload = !event.submitter.hasAttribute("formaction") || (event.submitter.hidden && !isAddress);
  if (isUpload) upload(form, files);
  else if (isAddress) ask(form, document.querySelector(".by-address button"), "url");
  else ask(form, event.submitter);
}

async function upload(form, files) {
  if (files.length > 1 && form.elements.product.value === "each") {
    await sendEach(form, files);
    return;
  }
  isBusy = true;
  const makeFit = tooMuch(files) ? shrink : fit;
  const fitting = [];
  for (const file of files) fitting.push(await makeFit(file)); // one by one, as a decoded photo takes 50 MB
  isBusy = false;
  if (tooMuch(fitting)) {
    choose([]);
    complain(fitting.length > 1 ? form.dataset.tooLargeTogether : form.dataset.tooLarge);
    return;
  }
  if (fitting.some((file, place) => file !== files[place])) choose(fitting);
  await ask(form, at("classify"));
}

function tooMuch(files) {
  return files.reduce((sum, file) => sum + file.size, 0) > MAX_BYTES;
}

/** Send a form and show its answer in place; if it is refused, say why beside the field. */
async function ask(form, submitter, field) {
  isBusy = true;
  submitter?.setAttribute("aria-busy", "true");
  const patience = setTimeout(wait, PATIENCE_MS);
  try {
    await send(form, submitter);
  } catch (error) {
    complain(error instanceof Refused ? error.message : form.dataset.unsent ?? at("upload").dataset.unsent, field);
    choose([]);
  } finally {
    clearTimeout(patience);
    isBusy = false;
    submitter?.removeAttribute("aria-busy");
    endWaiting();
  }
}

function wait() {
  const [file] = at("image").files;
  document.querySelector(".frame").classList.add("waits");
  at("waiting").hidden = false;
  at("waiting-words").textContent = at("waiting-words").dataset.words;
  if (file) preview(file);
}

/** Show the photo that is being classified where its answer will show it. */
function preview(file) {
  const photo = Object.assign(new Image(), { className: "photo sent", alt: "", src: URL.createObjectURL(file) });
  photo.addEventListener("error", () => photo.remove());
  document.querySelector(".stage").append(photo);
}

function endWaiting() {
  document.querySelector(".photo.sent")?.remove();
  document.querySelector(".frame").classList.remove("waits");
  at("waiting").hidden = true;
  at("waiting-words").textContent = "";
}

async function sendEach(form, files) {
  isBusy = true;
  at("classify").ariaBusy = "true";
  window.addEventListener("beforeunload", warn);
  try {
    await classifyEach(files, form, problemOf);
  } finally {
    window.removeEventListener("beforeunload", warn);
    isBusy = false;
    at("classify").ariaBusy = "false";
  }
}

/** Have the browser ask before it leaves a page that has not sent all photos. */
function warn(event) {
  event.preventDefault();
}

function follow(event) {
  const link = event.target.closest(".recent li a, .saved .next, .brief a");
  if (!link || isBusy || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.href).then(() => scrollTo(0, 0), () => location.assign(link.href));
}

document.addEventListener("change", (event) => {
  if (event.target.id === "image") take([...event.target.files]);
});
document.addEventListener("submit", submit);
document.addEventListener("click", follow);
document.addEventListener("paste", (event) => {
  const { files, types } = event.clipboardData;
  const isText = event.target.matches("input, textarea") && types.includes("text/plain"); // text with its picture
  if (files.length && !isText) add(files);
});

// The whole window accepts a drop, as a photo dropped beside the area must not replace the page.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  at("overlay").hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("overlay").hidden = true;
});
document.addEventListener("drop", (event) => {
  at("overlay").hidden = true;
  const { files } = event.dataTransfer;
  if (!files.length) return;
  event.preventDefault();
  const entries = entriesOf(event.dataTransfer);
  if (entries.some((entry) => entry.isDirectory)) addFolders(entries);
  else add(files);
});
/** Classify the example that a link of another page of this site names. */
function tryExample() {
  const isOurs = document.referrer.startsWith(`${location.origin}/`);
  const example = isOurs && location.hash.startsWith("#example-") && at(location.hash.slice(1));
  if (!example) return;
  history.replaceState(null, "", location.pathname);
  example.click();
}

tryExample();
window.addEventListener("pageshow", (event) => {
  if (!event.persisted && !isBusy) choose([]); // browsers restore the chosen files, which are answered already
});
