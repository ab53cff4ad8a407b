// Send several photos one by one and show each answer as it comes, or make them smaller to send together.
import { fit } from "./fit.js";

const limits = document.getElementById("upload").dataset; // the server's
const IN_FLIGHT = Number(limits.inFlight);
const at = (id) => document.getElementById(id);
const MAX_TRIES = 10; // for a photo while the site is busy
const MAX_WAIT_SECONDS = 120;
const ANNOUNCE_EACH = 10;

function fill(text, values) {
  return text.replace(/{(\w+)}/g, (_, name) => values[name]);
}

/** Classify each photo on its own and show the progress, until all are done or the visitor stops. */
export async function classifyEach(files, form, problemOf) {
  const section = at("several");
  const [texts, title, stop, words, count] = [section.dataset, at("several-title"), at("several-stop"),
    at("several-words"), at("several-count")];
  const [progress, list] = [section.querySelector("progress"), section.querySelector("ul")];
  const stopping = new AbortController();
  const fields = readFields(form);
  const { action } = form;
  const places = files.map(makePlace);
  let next = 0;
  let settled = 0;
  let done = 0;

  const showProgress = () => {
    progress.max = files.length;
    progress.value = settled;
    count.textContent = fill(texts.counted, { done: settled, all: files.length });
    if (settled % ANNOUNCE_EACH === 0) words.textContent = count.textContent;
  };
  const work = async () => {
    while (next < files.length && !stopping.signal.aborted) {
      const number = next++;
      const answer = await answerOf(files[number], action, fields, problemOf, stopping.signal);
      if (!answer) return;
      places[number].replaceWith(answer.row);
      done += answer.isDone;
      settled += 1;
      showProgress();
    }
  };

  const onStop = () => stopping.abort();
  stop.addEventListener("click", onStop, { once: true });
  list.replaceChildren(...places);
  section.hidden = progress.hidden = stop.hidden = stop.disabled = false;
  at("several-export").hidden = true;
  document.querySelector(".frame").hidden = true;
  showProgress();
  words.textContent = fill(texts.begun, { all: files.length });
  title.focus();
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  stop.removeEventListener("click", onStop);
  for (const place of places) place.remove();
  if (document.activeElement === stop) title.focus({ preventScroll: true });
  stop.disabled = stop.hidden = progress.hidden = true;
  count.textContent = "";
  const ending = stopping.signal.aborted ? texts.stopped : texts.finished;
  words.textContent = `${fill(ending, { done, all: files.length })} ${summary(list, texts)}`;
  sortDoubtfulFirst(list);
  offerExport(list);
}

function summary(list, texts) {
  const rows = [...list.querySelectorAll(".brief:not(.problem)")];
  const sure = rows.filter((row) => row.classList.contains("sure")).length;
  return rows.length ? fill(texts.summary, { sure, check: rows.length - sure }) : "";
}

function sortDoubtfulFirst(list) {
  const isSure = (row) => Number(row.classList.contains("sure"));
  list.append(...[...list.children].sort((one, other) => isSure(one) - isSure(other)));
}

/** Offer the answers that were kept as a file, and give the page their address, for who reloads or returns. */
function offerExport(list) {
  const ids = [...list.querySelectorAll("[data-id]")].map((row) => row.dataset.id);
  const form = at("several-export");
  for (const old of form.querySelectorAll("[name=row]")) old.remove();
  for (const value of ids) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "row", value }));
  form.hidden = !ids.length;
  if (ids.length) history.replaceState(null, "", `?${new URLSearchParams(ids.map((id) => ["row", id]))}`);
}

/** Return the fields to send with every photo: the choices as they are now, even if they change later. */
function readFields(form) {
  const fields = new FormData(form);
  fields.delete("url");
  fields.delete("image");
  if (form.querySelector("[name=product]:disabled")) fields.delete("product"); // not a choice to remember
  return [...fields];
}

function makePlace() {
  const place = document.createElement("li");
  place.className = "brief skeleton";
  place.setAttribute("aria-hidden", "true");
  return place;
}

/** Return the row of a photo and whether it has an answer; nothing if the visitor has stopped. */
async function answerOf(file, address, fields, problemOf, signal) {
  const photo = await fit(file);
  const problem = problemOf(photo);
  if (problem) return rowOfProblem(file, problem);
  try {
    return await ask(photo, address, fields, signal);
  } catch {
    return signal.aborted ? null : rowOfProblem(file, at("several").dataset.unsent);
  }
}

async function ask(file, address, fields, signal) {
  const body = new FormData();
  for (const [name, value] of fields) body.set(name, value);
  body.set("image", file);
  for (let tries = 1; ; tries += 1) {
    const headers = { Accept: "application/json" };
    const response = await fetch(address, { method: "POST", headers, body, signal });
    const answer = await response.json();
    if (response.ok) return rowOfAnswer(answer.row);
    const seconds = Number(response.headers.get("Retry-After"));
    const isFinal = !seconds || seconds > MAX_WAIT_SECONDS || answer.error.code === "model_error";
    if (isFinal || tries === MAX_TRIES) return rowOfProblem(file, answer.error.message);
    const words = at("several-words");
    words.textContent = fill(at("several").dataset.busy, { seconds });
    await sleep(seconds, signal);
    words.textContent = "";
  }
}

function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function rowOfAnswer(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // from the server, which escapes everything in it
  const row = template.content.firstElementChild;
  return { row, isDone: true };
}

function rowOfProblem(file, sentence) {
  const row = at("several").querySelector("template").content.firstElementChild.cloneNode(true);
  const [name, problem] = row.firstElementChild.children;
  name.textContent = file.name;
  problem.textContent = sentence;
  return { row, isDone: false };
}
