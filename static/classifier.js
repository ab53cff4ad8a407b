// Conveniences for the forms of "Run the app", which also work without script.
import { entriesOf, photosIn } from "./dropped.js";
import { classifyEach, fit, MAX_BYTES, MAX_PIXELS, renewHistory, shrink } from "./several.js";

const PREVIEWS = 8;
const BUSY_MS = 10000; // for browsers that do not report a stopped upload
const PATIENCE_MS = 150; // a faster answer needs no placeholder

const buttons = document.querySelectorAll(".ask button");
const form = document.getElementById("upload");
const texts = form.dataset;
const input = document.getElementById("image");
const nameLine = document.getElementById("image-name");
const label = form.querySelector(`label[for="${input.id}"]`);
const problemLine = document.getElementById("image-problem");
const dropArea = form.querySelector(".drop-area");
const severalShow = document.getElementById("several-show");
const previews = document.createElement("div");
const previewOf = new Map(); // of a file, even if it cannot be shown
const answer = document.getElementById("answer");
const waiting = document.getElementById("waiting");
const waitingWords = document.getElementById("waiting-words");
let patience;
let wantsOne = false; // "one product" was chosen, but is off while there are too many photos
let isSending = false; // photos one by one
let isFitted = false; // the photos that the form is about to send

/** Refuse at once what says that it is no picture; what it is, the server judges by its bytes. */
function problemOfType(file) {
  const isLikely = ["", "application/octet-stream"].includes(file.type) || file.type.startsWith("image/");
  return isLikely ? "" : texts.notAPhoto;
}

/** Return what is wrong with a photo, which was made smaller if it was too large. */
function problemOf(file) {
  return problemOfType(file) || (file.size > MAX_BYTES ? texts.tooLarge : "");
}

function problemOfAll(files) {
  if (files.length > Number(texts.maxAtOnce)) return texts.tooMany;
  return files.length === 1 ? problemOfType(files[0]) : ""; // each of several shows its own
}

function refuse(problem) {
  input.value = "";
  clear();
  problemLine.textContent = problem;
  input.setAttribute("aria-invalid", "true");
}

function clear() {
  for (const preview of [...previews.children]) removePreview(preview);
  previewOf.clear();
  nameLine.textContent = "";
  label.textContent = texts.choose;
  severalShow.classList.remove("needed");
}

function removePreview(preview) {
  URL.revokeObjectURL(preview.src);
  preview.remove();
  if (previews.children.length) return;
  previews.remove();
  dropArea.classList.remove("filled");
}

function addPreview(file) {
  const preview = new Image();
  preview.alt = file.name;
  // The server may read a photo that this browser cannot show.
  preview.addEventListener("error", () => removePreview(preview));
  preview.src = URL.createObjectURL(file);
  previews.append(preview);
  previewOf.set(file, preview);
}

function show(files) {
  clear();
  problemLine.textContent = "";
  input.removeAttribute("aria-invalid");
  if (!files.length) return;
  const problem = problemOfAll(files);
  if (problem) {
    refuse(problem);
    return;
  }
  files.slice(0, PREVIEWS).forEach(addPreview);
  dropArea.prepend(previews);
  dropArea.classList.add("filled");
  const isSeveral = files.length > 1;
  nameLine.textContent = isSeveral ? texts.count.replace("{count}", files.length) : files[0].name;
  label.textContent = isSeveral ? texts.chooseOthers : texts.chooseAnother;
  severalShow.classList.toggle("needed", isSeveral);
  offerOneProduct(files.length <= Number(texts.maxPhotos));
}

function offerOneProduct(isPossible) {
  const [each, one] = form.elements.product;
  if (isPossible && wantsOne) one.checked = true;
  wantsOne = !isPossible && (wantsOne || one.checked);
  one.disabled = !isPossible;
  if (!isPossible) each.checked = true;
}

function choose(files) {
  const transfer = new DataTransfer(); // the only way to put files into a file input
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
}

function take(files) {
  choose(files);
  show([...input.files]);
  if (input.files.length) form.querySelector("button").focus();
}

async function takeFolders(entries) {
  const photos = await photosIn(entries, Number(texts.maxAtOnce) + 1); // one more says that there are too many
  if (photos.length) take(photos);
  else refuse(texts.noPhotoInside);
}

function markDragging(dragging) {
  dropArea.classList.toggle("dragging", dragging);
}

function submitOnce(event) {
  if (isBusy()) {
    event.preventDefault();
    return;
  }
  const files = [...input.files];
  // From any field of the form, the Enter key presses the hidden button of the address.
  if (event.submitter.hidden && files.length && !form.elements.url.value.trim()) {
    event.preventDefault();
    setTimeout(() => form.requestSubmit(form.querySelector("button"))); // during an event, a second submit is ignored
    return;
  }
  const isUpload = !event.submitter.hasAttribute("formaction");
  if (isUpload && files.length > 1 && form.elements.product.value === "each") {
    event.preventDefault();
    sendEach(event.submitter, files);
  } else if (isUpload && !isFitted && (tooMuch(files) || !files.every(isSmall))) {
    event.preventDefault();
    sendFitted(event.submitter, files);
  } else {
    wait(event.submitter);
  }
}

async function sendEach(button, files) {
  isSending = true;
  button.ariaBusy = "true";
  window.addEventListener("beforeunload", warn);
  try {
    await classifyEach(files, form, problemOf);
  } finally {
    window.removeEventListener("beforeunload", warn);
    isSending = false;
    button.ariaBusy = "false";
  }
  await renewHistory(form.action);
}

/** Have the browser ask before it leaves a page that has not sent all photos. */
function warn(event) {
  event.preventDefault();
}

async function sendFitted(button, files) {
  button.ariaBusy = "true";
  const makeFit = tooMuch(files) ? shrink : fit;
  const fitting = [];
  for (const file of files) fitting.push(await makeFit(file)); // one by one, as a decoded photo takes 50 MB
  button.ariaBusy = "false";
  if (tooMuch(fitting)) {
    refuse(fitting.length > 1 ? texts.tooLargeTogether : texts.tooLarge);
    return;
  }
  if (fitting.some((file, place) => file !== files[place])) choose(fitting);
  isFitted = true;
  form.requestSubmit(button);
  isFitted = false;
}

/** Tell whether a photo has been seen to have few enough pixels, or to be none that this browser can read. */
function isSmall(file) {
  const preview = previewOf.get(file);
  return preview?.complete && preview.naturalWidth * preview.naturalHeight <= MAX_PIXELS;
}

function tooMuch(files) {
  return files.reduce((sum, file) => sum + file.size, 0) > MAX_BYTES;
}

function wait(submitter) {
  // In the address, the Enter key presses a hidden button, so its visible twin shows the wait.
  const action = submitter.formAction;
  [...buttons].find((button) => !button.hidden && button.formAction === action).ariaBusy = "true";
  patience = setTimeout(showWaiting, PATIENCE_MS);
  if (!globalThis.navigation) setTimeout(endWaiting, BUSY_MS);
}

function showWaiting() {
  answer.hidden = true;
  waiting.hidden = false;
  waitingWords.textContent = waitingWords.dataset.words;
  scrollTo(0, 0);
}

function endWaiting() {
  clearTimeout(patience);
  answer.hidden = false;
  waiting.hidden = true;
  waitingWords.textContent = "";
  if (isSending) return;
  for (const button of buttons) button.ariaBusy = "false";
}

function isBusy() {
  return isSending || [...buttons].some((button) => button.ariaBusy === "true");
}

previews.className = "previews";
// Do not send a chosen file when the Enter key sends an address.
for (const button of buttons) if (button.hidden) button.formEnctype = "application/x-www-form-urlencoded";
input.addEventListener("change", () => show([...input.files]));

document.addEventListener("paste", (event) => {
  const { files, types } = event.clipboardData;
  const isText = event.target.matches("input, textarea") && types.includes("text/plain"); // text with its picture
  if (files.length && !isText) take(files);
});

// The whole page accepts a drop, as a photo dropped beside the area must not replace the page.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  markDragging(true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) markDragging(false);
});
document.addEventListener("drop", (event) => {
  markDragging(false);
  const { files } = event.dataTransfer;
  if (!files.length) return;
  event.preventDefault();
  const entries = entriesOf(event.dataTransfer);
  if (entries.some((entry) => entry.isDirectory)) takeFolders(entries);
  else take(files);
});

form.addEventListener("submit", submitOnce);
globalThis.navigation?.addEventListener("navigateerror", endWaiting); // the visitor stopped the upload
window.addEventListener("pageshow", () => {
  endWaiting();
  show([...input.files]); // browsers restore the chosen files when the visitor goes back
});
