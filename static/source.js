// Conveniences for the source pages: a copy button, and a tree that starts folded on narrow screens.

const files = document.getElementById("files");
const narrow = matchMedia("(max-width: 47.99rem)");
const foldFiles = () => { files.open = !narrow.matches; };
narrow.addEventListener("change", foldFiles);
foldFiles();

document.getElementById("find-file").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(" ").filter(Boolean);
  files.open = true;
  for (const link of files.querySelectorAll("li > a")) {
    link.parentElement.hidden = !words.every((word) => link.pathname.toLowerCase().includes(word));
  }
  for (const folder of [...files.querySelectorAll("details")].reverse()) {
    const isFound = folder.querySelector("li > a:not([hidden] > a)");
    folder.parentElement.hidden = !isFound;
    folder.open = words.length ? Boolean(isFound) : Boolean(folder.querySelector("[aria-current]"));
  }
});

const code = document.getElementById("code");
if (code) addCopyButton(document.getElementById("file-actions"));

function addCopyButton(actions) {
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "outline";
  button.textContent = actions.dataset.copy;
  button.addEventListener("click", async () => {
    status.textContent = "";
    status.textContent = await copyCode() ? actions.dataset.copied : actions.dataset.press;
  });
  actions.prepend(status);
  actions.append(button);
}

async function copyCode() {
  try {
    await navigator.clipboard.writeText(codeText());
    return true;
  } catch { // no clipboard without https, or the visitor said no: select the code and copy that
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}

function codeText() {
  const copy = code.cloneNode(true);
  for (const number of copy.querySelectorAll(".line > a")) number.remove();
  return copy.textContent;
}
