// Suggestions while the visitor types the right category: an editable combobox with a list, after the
// WAI-ARIA Authoring Practices. Without script, the form searches on its own page.
"use strict";

(() => {
  const WAIT_MS = 150; // after a key, as the next one may follow soon

  const correct = document.getElementById("correct");
  const find = document.getElementById("find-category");
  const input = document.getElementById("right");
  const list = document.getElementById("suggestions");
  const status = document.getElementById("suggested");
  const button = find.querySelector("button");
  const searchWord = button.textContent;
  const texts = input.dataset;
  const isFrench = document.documentElement.lang === "fr";

  let categories = [];
  let active = -1;
  let chosen = null;
  let timer = 0;
  let request = new AbortController();

  function mark(place) {
    active = place;
    for (const [at, option] of [...list.children].entries()) {
      option.setAttribute("aria-selected", String(at === place));
    }
    const option = list.children[place];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function open() {
    if (!categories.length) return;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function forget() {
    chosen = null;
    button.textContent = searchWord;
  }

  function stop() {
    clearTimeout(timer);
    request.abort(); // a late answer must not open the list again
    close();
  }

  function names(category) {
    const both = [category.name, category.name_fr];
    return isFrench ? both.reverse() : both;
  }

  function choose(place) {
    chosen = categories[place];
    const [name] = names(chosen);
    input.value = name;
    button.textContent = button.dataset.keep;
    status.textContent = texts.chosen.replace("{name}", name);
    stop();
  }

  function part(name, text, attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    Object.assign(element, attributes);
    return element;
  }

  function show(found) {
    categories = found;
    list.replaceChildren(
      ...found.map((category, place) => {
        const option = part("li", "", { id: `suggestion-${place}`, role: "option", ariaSelected: "false" });
        const [own, other] = names(category);
        const path = isFrench ? category.path_fr : category.path_en;
        option.append(
          part("strong", own),
          " ",
          part("span", other, { className: "french", lang: isFrench ? "en" : "fr" }),
          part("span", `${path.join(" › ")} · ${category.category_id}`, { className: "path" }),
        );
        option.addEventListener("click", () => choose(place));
        return option;
      }),
    );
    active = -1;
    const count = found.length === 1 ? texts.one : texts.many.replace("{n}", found.length);
    status.textContent = found.length ? count : texts.none;
    if (found.length) open();
    else close();
  }

  async function search() {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    const query = input.value.trim();
    if (!query) {
      categories = [];
      status.textContent = "";
      close();
      return;
    }
    try {
      const answer = await fetch(`${texts.search}?${new URLSearchParams({ q: query })}`, { signal });
      if (!answer.ok) throw new Error(answer.status);
      const found = (await answer.json()).categories;
      if (!signal.aborted) show(found);
    } catch {
      if (signal.aborted) return;
      categories = [];
      close();
      status.textContent = texts.down; // the form itself still works
    }
  }

  function step(by) {
    if (list.hidden) open();
    if (list.hidden) return;
    const places = categories.length;
    mark(active < 0 ? (by > 0 ? 0 : places - 1) : (active + by + places) % places);
  }

  const KEYS = {
    ArrowDown: (event) => (event.altKey ? open() : step(1)),
    ArrowUp: (event) => (event.altKey ? close() : step(-1)),
    Enter() {
      if (active < 0) return false; // let the form be sent: it searches, or stores the choice
      choose(active);
      return true;
    },
    Escape() {
      if (list.hidden) {
        input.value = "";
        forget();
        search();
      } else {
        close();
      }
    },
    Tab() {
      close();
      return false; // let the focus move on
    },
  };

  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"],
    ["aria-controls", list.id], ["aria-describedby", status.id]]) input.setAttribute(name, value);

  input.addEventListener("input", () => {
    forget();
    clearTimeout(timer);
    timer = setTimeout(search, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || !(event.key in KEYS)) return;
    if (KEYS[event.key](event) !== false) event.preventDefault();
  });
  input.addEventListener("blur", stop);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field

  find.addEventListener("submit", (event) => {
    if (!chosen) return;
    event.preventDefault();
    const category = part("input", "", { type: "hidden", name: "category", value: chosen.category_id });
    correct.append(category);
    correct.requestSubmit();
    category.remove(); // the form is read; a visitor who comes back may choose another
  });
})();
