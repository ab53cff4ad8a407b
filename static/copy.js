// Buttons that copy what they name in data-copy.

const SAID_MS = 1500;

/** Copy a text, and return whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // no clipboard without https, or the visitor said no
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || button.dataset.words) return;
  button.dataset.words = button.textContent;
  if (await copy(button.dataset.copy)) button.textContent = button.dataset.copied;
  setTimeout(() => {
    button.textContent = button.dataset.words;
    delete button.dataset.words;
  }, SAID_MS);
});
