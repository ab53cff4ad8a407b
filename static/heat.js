// Lay what the network looked at over the photo, for the row of an answer under the pointer or with the focus.

const PATIENCE_MS = 120; // a pointer that only passes by asks for nothing

let timer = 0;

function lay(row) {
  const stage = document.querySelector(".stage[data-heat]");
  if (!stage) return;
  let heat = stage.querySelector(".heat");
  if (!heat) { // one picture for all four
    heat = new Image();
    heat.className = "heat";
    heat.alt = "";
    heat.src = stage.dataset.heat;
    stage.append(heat);
  }
  heat.dataset.rank = row.dataset.rank;
  stage.classList.add("heated");
}

function lift() {
  clearTimeout(timer);
  document.querySelector(".stage.heated")?.classList.remove("heated");
}

function begin(event) {
  const row = event.target.closest?.("[data-rank]");
  clearTimeout(timer);
  if (row) timer = setTimeout(() => lay(row), PATIENCE_MS);
  else lift();
}

document.addEventListener("pointerover", begin);
document.addEventListener("focusin", begin);
