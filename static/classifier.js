// Comfort for the forms of "Run the app". Without it they are plain forms and work all the same.
"use strict";

const MAX_BYTES = 10 * 1024 * 1024; // the server's limits, told before the upload instead of after it
const TOO_LARGE = "That is more than 10 MB. Choose a smaller photo.";
const NOT_A_PHOTO = "This is not a photo we can read. Accepted are JPEG, PNG, WebP and GIF.";

const form = document.getElementById("upload");
const input = document.getElementById("image");
const nameLine = document.getElementById("image-name");
const label = form.querySelector("label");
const problemLine = document.getElementById("image-problem");
const dropArea = form.querySelector(".drop-area");
const preview = new Image();

function problemOf(file) {
  if (file.size > MAX_BYTES) return TOO_LARGE;
  const known = file.type !== ""; // an empty type means that the name has no ending: the server will see
  return known && !input.accept.split(",").includes(file.type) ? NOT_A_PHOTO : "";
}

function refuse(problem) {
  input.value = "";
  clearPreview();
  problemLine.textContent = problem;
  input.setAttribute("aria-invalid", "true");
}

function clearPreview() {
  URL.revokeObjectURL(preview.src);
  preview.remove();
  nameLine.textContent = "";
  label.textContent = "Choose a photo";
  dropArea.classList.remove("filled");
}

function show(file) {
  clearPreview();
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

function setBusy(waiting, busy) {
  const button = waiting.querySelector("button");
  button.disabled = busy;
  button.setAttribute("aria-busy", String(busy));
}

preview.alt = "Preview of your photo";
preview.addEventListener("error", () => refuse(NOT_A_PHOTO));
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

const waitingForms = document.querySelectorAll(".ask form");
for (const waiting of waitingForms) {
  waiting.addEventListener("submit", () => setBusy(waiting, true));
}
window.addEventListener("pageshow", () => {
  for (const waiting of waitingForms) setBusy(waiting, false);
  show(input.files[0]); // browsers bring back the chosen file when the visitor goes back
});
