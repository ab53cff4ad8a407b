// Suggestions while the visitor types the right category: an editable combobox with a list, after the
// WAI-ARIA Authoring Practices; Enter saves. Without script, the form searches on its own page.

const WAIT_MS = 150; // after a key, as the next one may follow soon

const at = (id) => document.getElementById(id);
const isFrench = document.documentElement.lang === "fr";

let categories = [];
let active = -1;
let timer = 0;
let request = new AbortController();

function mark(place) {
  active = place;
  const list = at("suggestions");
  for (const [one, option] of [...list.children].entries()) {
    option.setAttribute("aria-selected", String(one === place));
  }
  const option = list.children[place];
  if (option) {
    at("right").setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    at("right").removeAttribute("aria-activedescendant");
  }
}

function open() {
  if (!categories.length) return;
  at("suggestions").hidden = false;
  at("right").setAttribute("aria-expanded", "true");
  mark(0);
}

function close() {
  at("suggestions").hidden = true;
  at("right").setAttribute("aria-expanded", "false");
  mark(-1);
}

function stop() {
  clearTimeout(timer);
  request.abort(); // a late answer must not open the list again
  if (at("right")) close();
}

function names(category) {
  const both = [category.name, category.name_fr];
  return isFrench ? both.reverse() : both;
}

function save(place) {
  const form = at("correct");
  const category = part("input", "", { type: "hidden", name: "category", value: categories[place].category_id });
  stop();
  form.append(category);
  form.requestSubmit();
  category.remove(); // the form is read
}

function part(name, text, attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  Object.assign(element, attributes);
  return element;
}

function optionOf(category, place) {
  const option = part("li", "", { id: `suggestion-${place}`, role: "option", ariaSelected: "false" });
  const [own, other] = names(category);
  const path = isFrench ? category.path_fr : category.path_en;
  option.append(
    part("strong", own),
    " ",
    part("span", other, { className: "french", lang: isFrench ? "en" : "fr" }),
    part("span", `${path.join(" › ")} · ${category.category_id}`, { className: "path" }),
  );
  return option;
}

function list(found) {
  const texts = at("right").dataset;
  categories = found;
  at("suggestions").replaceChildren(...found.map(optionOf));
  const count = found.length === 1 ? texts.one : texts.many.replace("{n}", found.length);
  at("suggested").textContent = found.length ? count : texts.none;
  if (found.length) open();
  else close();
}

async function search() {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const input = at("right");
  const query = input.value.trim();
  if (!query) {
    categories = [];
    at("suggested").textContent = "";
    close();
    return;
  }
  try {
    const answer = await fetch(`${input.dataset.search}?${new URLSearchParams({ q: query })}`, { signal });
    if (!answer.ok) throw new Error(answer.status);
    const found = (await answer.json()).categories;
    if (!signal.aborted) list(found);
  } catch {
    if (signal.aborted) return;
    categories = [];
    close();
    at("suggested").textContent = input.dataset.down; // the form itself still works
  }
}

function step(by) {
  if (at("suggestions").hidden) {
    open();
    return;
  }
  mark((active + by + categories.length) % categories.length);
}

const KEYS = {
  ArrowDown: (event) => (event.altKey ? open() : step(1)),
  ArrowUp: (event) => (event.altKey ? close() : step(-1)),
  Enter() {
    if (active < 0) return false; // let the form search
    save(active);
    return true;
  },
  Escape() {
    if (at("suggestions").hidden) {
      at("right").value = "";
      search();
    } else {
      close();
    }
  },
};

/** Make the field of the page that is shown a combobox. */
function prepare() {
  const input = at("right");
  if (!input) return;
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"],
    ["aria-controls", "suggestions"], ["aria-describedby", "suggested"]]) input.setAttribute(name, value);
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "right") return;
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "right" || event.isComposing || !(event.key in KEYS)) return;
  if (KEYS[event.key](event) !== false) event.preventDefault();
});
document.addEventListener("focusout", (event) => {
  if (event.target.id === "right") stop();
});
document.addEventListener("mousedown", (event) => {
  if (event.target.closest("#suggestions")) event.preventDefault(); // the focus stays in the field
});
document.addEventListener("click", (event) => {
  const option = event.target.closest("#suggestions [role=option]");
  if (option) save([...option.parentElement.children].indexOf(option));
});
document.addEventListener("click", (event) => {
  const other = event.target.closest(".other > summary")?.parentElement;
  if (other && !other.open) setTimeout(() => at("right").focus()); // it opens after this event
});
document.addEventListener("shown", prepare);
prepare();
