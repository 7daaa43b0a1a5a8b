// Figures: their points can be gone through by arrow keys, and what a point says is read out below.
for (const plot of document.querySelectorAll("figure svg.plot")) {
  const marks = [...plot.querySelectorAll("g.mark")];
  if (!marks.length) continue;
  const readout = document.createElement("p");
  readout.className = "readout";
  readout.setAttribute("role", "status");
  plot.after(readout);
  plot.setAttribute("tabindex", "0");
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-label", `${plot.getAttribute("aria-label")}: arrow keys go through its ${marks.length} points`);
  const told = (mark) => mark.querySelector("title").textContent;
  const hint = "Point at a part, or press arrow keys, for its numbers.";
  let at = -1;
  readout.textContent = hint;

  function choose(number) {
    marks[at]?.classList.remove("at");
    at = number;
    marks[at]?.classList.add("at");
    readout.textContent = at < 0 ? hint : told(marks[at]);
  }

  const keys = {
    ArrowRight: () => Math.min(at + 1, marks.length - 1),
    ArrowDown: () => Math.min(at + 1, marks.length - 1),
    ArrowLeft: () => Math.max(at - 1, 0),
    ArrowUp: () => Math.max(at - 1, 0),
    Home: () => 0,
    End: () => marks.length - 1,
    Escape: () => -1,
  };
  plot.addEventListener("keydown", (event) => {
    const next = keys[event.key];
    if (!next || event.ctrlKey || event.metaKey || event.altKey || (event.key === "Escape" && at < 0)) return;
    event.preventDefault();
    choose(next());
  });
  plot.addEventListener("pointerover", (event) => {
    const mark = event.target.closest("g.mark");
    if (mark) readout.textContent = told(mark);
  });
  plot.addEventListener("click", (event) => choose(marks.indexOf(event.target.closest("g.mark"))));
  plot.addEventListener("pointerleave", () => choose(at));
  plot.addEventListener("blur", () => choose(-1));
}
