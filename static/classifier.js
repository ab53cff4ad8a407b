// Comfort for the forms of "Run the app". Without it they are plain forms and work all the same.
"use strict";

const MAX_BYTES = 10 * 1024 * 1024; // the server's limits, told before the upload instead of after it
const TOO_LARGE = "That is more than 10 MB. Choose a smaller photo.";
const NOT_A_PHOTO = "This is not a photo we can read. Accepted are JPEG, PNG, WebP and GIF.";
const BUSY_MS = 10000; // where the browser does not tell that the visitor has stopped the upload

const buttons = document.querySelectorAll(".ask button");
const form = document.getElementById("upload");
const input = document.getElementById("image");
const nameLine = document.getElementById("image-name");
const label = form.querySelector("label");
const problemLine = document.getElementById("image-problem");
const dropArea = form.querySelector(".drop-area");
const preview = new Image();

// HEIC goes to the server, whose answer says how to get a JPEG out of the phone; so does a name without an ending.
const SENT_TYPES = [...input.accept.split(","), "image/heic", "image/heif", ""];

function problemOf(file) {
  if (file.size > MAX_BYTES) return TOO_LARGE;
  return SENT_TYPES.includes(file.type) ? "" : NOT_A_PHOTO;
}

function refuse(problem) {
  input.value = "";
  clear();
  problemLine.textContent = problem;
  input.setAttribute("aria-invalid", "true");
}

function clear() {
  removePreview();
  nameLine.textContent = "";
  label.textContent = "Choose a photo";
}

function removePreview() {
  URL.revokeObjectURL(preview.src);
  preview.remove();
  dropArea.classList.remove("filled");
}

function show(file) {
  clear();
  problemLine.textContent = "";
  input.removeAttribute("aria-invalid");
  if (!file) return;
  const problem = problemOf(file);
  if (problem) {
    refuse(problem);
    return;
  }
  preview.src = URL.createObjectURL(file);
  dropArea.prepend(preview);
  dropArea.classList.add("filled");
  nameLine.textContent = file.name;
  label.textContent = "Choose another photo";
}

function take(file) {
  const transfer = new DataTransfer(); // the only way to put a file into a file input
  transfer.items.add(file);
  input.files = transfer.files;
  show(file);
  if (input.files.length) form.querySelector("button").focus();
}

function markDragging(dragging) {
  dropArea.classList.toggle("dragging", dragging);
}

function submitOnce(event) {
  if ([...buttons].some((button) => button.ariaBusy === "true")) {
    event.preventDefault();
    return;
  }
  // The Enter key in the address presses a hidden button: its twin that is seen shows the wait.
  const action = event.submitter.formAction;
  [...buttons].find((button) => !button.hidden && button.formAction === action).ariaBusy = "true";
  if (!globalThis.navigation) setTimeout(endWaiting, BUSY_MS);
}

function endWaiting() {
  for (const button of buttons) button.ariaBusy = "false";
}

preview.alt = "Preview of your photo";
preview.addEventListener("error", removePreview); // the server may read what this browser cannot show
form.classList.add("with-script");
input.addEventListener("change", () => show(input.files[0]));

document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) take(file);
});

// The whole page takes the drop: a photo let go beside the area must not replace the page.
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
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  take(file);
});

form.addEventListener("submit", submitOnce);
globalThis.navigation?.addEventListener("navigateerror", endWaiting); // the visitor has stopped the upload
window.addEventListener("pageshow", () => {
  endWaiting();
  show(input.files[0]); // browsers bring back the chosen file when the visitor goes back
});
