// The page of the API: examples with the address of this site, and forms that show an answer in place.
// Without script, a form shows its answer on a page of its own.
"use strict";

(() => {
  const SOME_SITE = "http://127.0.0.1:8000";

  for (const code of document.querySelectorAll("code[data-language]")) {
    code.textContent = code.textContent.replaceAll(SOME_SITE, location.origin);
  }
  for (const form of document.querySelectorAll("form[data-kind]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  }

  async function send(form) {
    const output = form.querySelector("output");
    const box = form.querySelector("pre");
    box.hidden = true;
    output.textContent = "";
    form.ariaBusy = "true";
    try {
      const answer = await fetch(...await request(form));
      output.textContent = `${answer.status} ${answer.statusText}`;
      box.firstChild.textContent = JSON.stringify(await answer.json(), null, 2);
      box.hidden = false;
    } catch {
      output.textContent = form.dataset.failed;
    } finally {
      form.ariaBusy = "false";
    }
  }

  async function request(form) {
    const fields = [...new FormData(form)].filter(([, value]) => (value.size ?? value.length) > 0);
    const headers = new Headers();
    const key = form.querySelector("[data-key]")?.value;
    if (key) headers.set("Authorization", `Bearer ${key}`);
    if (form.dataset.kind === "query") return [`${form.action}?${new URLSearchParams(fields)}`, { headers }];
    if (form.dataset.kind === "form") return [form.action, { method: "POST", headers, body: asForm(fields) }];
    headers.set("Content-Type", "application/json");
    return [form.action, { method: "POST", headers, body: JSON.stringify(await asObject(fields)) }];
  }

  function asForm(fields) {
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    return form;
  }

  async function asObject(fields) {
    const object = {};
    for (const [name, value] of fields) object[name] = typeof value === "string" ? value : await dataUrl(value);
    return object;
  }

  function dataUrl(file) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(file);
    });
  }
})();
