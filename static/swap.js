// Show pages of this site without a reload: only what differs from page to page is replaced.

const PARTS = ["main", ".site-header"];

/** What the site says when it refuses a request. */
export class Refused extends Error {}

/** Ask for a page of this site. Throws Refused, or what fetch throws. */
export async function request(address, options = {}) {
  const response = await fetch(address, options);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!response.ok) throw new Refused(page.querySelector("h1")?.textContent ?? response.statusText);
  return { page, url: response.url };
}

/** Ask for a page, and show it, or these parts of it, in place of this one. Throws as `request` does. */
export async function show(address, options = {}, parts = PARTS) {
  const { page, url } = await request(address, options);
  document.title = page.title;
  for (const part of parts) document.querySelector(part).replaceWith(page.querySelector(part));
  if (url !== location.href) history.pushState(null, "", url);
  shown = location.pathname + location.search;
  const start = document.querySelector(".saved .next, .saved button") ?? document.getElementById("answer-title");
  if (parts === PARTS) start?.focus({ preventScroll: true });
  document.dispatchEvent(new Event("shown"));
}

/** Send a form as its button would, and show the page that answers, or do with it what `then` does. */
export function send(form, submitter, then = show) {
  const isGet = (submitter?.formMethod || form.method) === "get";
  const address = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  const fields = new FormData(form, submitter);
  if (isGet) return then(`${address}?${new URLSearchParams(fields)}`);
  const isPlain = (submitter?.hasAttribute("formenctype") ? submitter.formEnctype : form.enctype) !== "multipart/form-data";
  if (isPlain) for (const [name, value] of [...fields]) if (value instanceof File) fields.delete(name);
  return then(address, { method: "POST", body: isPlain ? new URLSearchParams(fields) : fields });
}

/** Show in place of a link the part of the page it leads to that its data-part names; follow it if that fails. */
async function showPart(link) {
  link.ariaBusy = "true";
  try {
    const { page } = await request(link.href);
    const part = page.querySelector(link.dataset.part);
    link.parentElement.replaceWith(part);
    part.focus({ preventScroll: true });
  } catch {
    location.assign(link.href);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-part]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showPart(link);
});

let shown = location.pathname + location.search;
let going = new AbortController();
window.addEventListener("popstate", () => {
  going.abort(); // a late page must not replace the one that the visitor has gone on to
  going = new AbortController();
  const { signal } = going;
  if (location.pathname + location.search === shown) return;
  show(location.href, { signal }).catch(() => signal.aborted || location.reload());
});
