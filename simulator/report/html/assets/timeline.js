// Timelines: move, zoom, and the details of a span under the pointer or chosen by keys.
const ROW = 0, PART = 1, NAME = 2, START = 3, LENGTH = 4, BYTES = 5, STEP = 6, RANK = 7, PEER = 8, PARTNER = 9,
  CAUSE = 10, CRITICAL = 11;
const SVG = "http://www.w3.org/2000/svg";
const DEEPEST = 2000;  // times magnified
const MOST_WORDS = 300;  // names written into spans at once

function time(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (Math.abs(ns) >= size) return `${Number((ns / size).toPrecision(4))} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

function size(bytes) {
  for (const [unit, one] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (bytes >= one) return `${Number((bytes / one).toPrecision(3))} ${unit}`;
  }
  return `${bytes} B`;
}

function roundSteps(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9));
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(n * step);
  return found;
}

function timeline(box) {
  const data = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
  const view = box.querySelector(".view"), rows = box.querySelector(".rows"), area = box.querySelector(".spans");
  const svg = area.querySelector("svg"), scale = box.querySelector(".scale"), words = area.querySelector(".words");
  const readout = box.querySelector(".readout");
  const drawn = [...svg.querySelectorAll("path.s")], spans = data.spans;
  const height = svg.viewBox.baseVal.height;
  const unit = data.duration > 0 ? data.wide / data.duration : 0;
  const numberOf = new Map(drawn.map((path, number) => [path, number]));
  const byRow = [];
  spans.forEach((span, number) => (byRow[span[ROW]] ??= []).push(number));
  for (const row of byRow) row?.sort((a, b) => spans[a][START] - spans[b][START]);
  const hint = "Point at a span, or press arrow keys, for its details.";
  let left = 0, width = data.wide, chosen = -1, pending = false;
  svg.querySelector("title").remove();  // else it hides behind every span as a tooltip
  svg.setAttribute("role", "presentation");
  view.setAttribute("role", "application");

  const cursor = document.createElementNS(SVG, "path");
  cursor.setAttribute("class", "cursor");
  const link = document.createElementNS(SVG, "path");
  link.setAttribute("class", "link");
  svg.append(link, cursor);

  function show() {
    pending = false;
    svg.setAttribute("viewBox", `${left} 0 ${width} ${height}`);
    scale.replaceChildren(...ticks());
    words.replaceChildren(...written());
    box.dataset.left = (left / data.wide).toPrecision(6);
    box.dataset.width = (width / data.wide).toPrecision(6);
  }

  function ticks() {
    const from = left / unit, to = (left + width) / unit;
    if (!unit) return [];
    return roundSteps(from, to, Math.max(2, Math.floor(area.clientWidth / 90))).map((ns) => {
      const tick = document.createElement("span");
      tick.style.left = `${(100 * (ns * unit - left)) / width}%`;
      const room = (1 - (ns * unit - left) / width) * area.clientWidth;
      tick.textContent = room < 48 ? "" : ns === 0 ? "0" : time(ns);
      return tick;
    });
  }

  function written() {
    const pixel = area.clientWidth / width, found = [];
    for (let number = 0; number < spans.length && found.length < MOST_WORDS; number += 1) {
      const span = spans[number];
      const from = Math.max(span[START] * unit, left), to = Math.min((span[START] + span[LENGTH]) * unit, left + width);
      if ((to - from) * pixel < 40) continue;
      const name = document.createElement("span");
      name.className = drawn[number].getAttribute("class");
      name.style.cssText = `left:${(from - left) * pixel}px;width:${(to - from) * pixel}px;top:${span[ROW] * data.row}px`;
      name.textContent = data.names[span[NAME]];
      found.push(name);
    }
    return found;
  }

  function look(newLeft, newWidth) {
    width = Math.min(Math.max(newWidth, data.wide / DEEPEST), data.wide);
    left = Math.min(Math.max(newLeft, 0), data.wide - width);
    if (!pending) {
      pending = true;
      requestAnimationFrame(show);
    }
  }

  function zoom(factor, around) {
    const target = Math.min(Math.max(width * factor, data.wide / DEEPEST), data.wide);
    look(around - ((around - left) * target) / width, target);
  }

  function middle() {
    if (chosen < 0) return left + width / 2;
    const at = (spans[chosen][START] + spans[chosen][LENGTH] / 2) * unit;
    return at >= left && at <= left + width ? at : left + width / 2;
  }

  function told(number) {
    const span = spans[number], parts = [data.names[span[NAME]], data.parts[span[PART]]];
    parts.push(data.ranks[span[RANK]] ?? `rank ${span[RANK]}`, `${data.lanes[span[ROW]]} lane`, `step ${span[STEP]}`);
    parts.push(`from ${time(span[START])} for ${time(span[LENGTH])}`);
    if (span[BYTES] > 0) {
      const rate = span[LENGTH] > 0 ? ` at ${size((1e9 * span[BYTES]) / span[LENGTH])}/s` : "";
      parts.push(size(span[BYTES]) + rate);
    }
    if (span[PEER] >= 0) parts.push(`with rank ${span[PEER]}`);
    if (span[CAUSE] >= 0) {
      const cause = spans[span[CAUSE]];
      parts.push(`waited for: ${data.names[cause[NAME]]} of rank ${cause[RANK]}`);
    }
    if (span[CRITICAL]) parts.push("on the critical path");
    return parts.join(" · ");
  }

  function outline(number) {
    const span = spans[number], from = span[START] * unit, top = span[ROW] * data.row;
    return `M${from} ${top}h${span[LENGTH] * unit}v${data.row - 3}H${from}z`;
  }

  function choose(number, follow) {
    chosen = number;
    box.dataset.chosen = number;
    if (number < 0) {
      cursor.setAttribute("d", "");
      link.setAttribute("d", "");
      readout.textContent = hint;
      return;
    }
    const span = spans[number];
    cursor.setAttribute("d", outline(number));
    const other = span[PARTNER] >= 0 ? span[PARTNER] : span[CAUSE];
    link.setAttribute("d", other < 0 ? "" : connection(number, other));
    readout.textContent = told(number);
    if (!follow) return;
    const from = span[START] * unit, to = from + span[LENGTH] * unit;
    if (from < left || to > left + width) {
      look(to - from > width ? from - width / 10 : (from + to) / 2 - width / 2, width);
    }
    const top = span[ROW] * data.row;
    if (top < rows.scrollTop) rows.scrollTop = top;
    else if (top + data.row > rows.scrollTop + rows.clientHeight) rows.scrollTop = top + data.row - rows.clientHeight;
  }

  function connection(number, other) {
    const place = (n) => [spans[n][START] + spans[n][LENGTH] / 2, (spans[n][ROW] + 0.5) * data.row];
    const [a, b] = [place(number), place(other)];
    return `M${a[0] * unit} ${a[1]}L${b[0] * unit} ${b[1]}`;
  }

  function inRow(row, at) {
    const distance = (n) => Math.max(spans[n][START] - at, at - spans[n][START] - spans[n][LENGTH], 0);
    return byRow[row].reduce((best, n) => (distance(n) < distance(best) ? n : best));
  }

  function firstInSight() {
    const seen = spans.findIndex((span) => (span[START] + span[LENGTH]) * unit > left);
    return seen < 0 ? 0 : seen;
  }

  function step(along, across) {
    if (chosen < 0) return choose(firstInSight(), true);
    const span = spans[chosen], row = byRow[span[ROW]];
    if (along) {
      const place = row.indexOf(chosen) + along;
      return choose(row[Math.min(Math.max(place, 0), row.length - 1)], true);
    }
    let next = span[ROW] + across;
    while (next >= 0 && next < byRow.length && !byRow[next]) next += across;
    if (next >= 0 && next < byRow.length) choose(inRow(next, span[START] + span[LENGTH] / 2), true);
  }

  function jump(field) {
    if (chosen >= 0 && spans[chosen][field] >= 0) choose(spans[chosen][field], true);
  }

  function fit() {
    if (chosen < 0) return;
    const span = spans[chosen], across = Math.max(span[LENGTH] * unit * 1.5, data.wide / DEEPEST);
    look((span[START] + span[LENGTH] / 2) * unit - across / 2, across);
  }

  const keys = {
    ArrowLeft: () => step(-1, 0),
    ArrowRight: () => step(1, 0),
    ArrowUp: () => step(0, -1),
    ArrowDown: () => step(0, 1),
    Home: () => choose(byRow[chosen < 0 ? 0 : spans[chosen][ROW]][0], true),
    End: () => choose(byRow[chosen < 0 ? 0 : spans[chosen][ROW]].at(-1), true),
    "+": () => zoom(0.5, middle()),
    "=": () => zoom(0.5, middle()),
    "-": () => zoom(2, middle()),
    0: () => look(0, data.wide),
    ",": () => look(left - width / 4, width),
    ".": () => look(left + width / 4, width),
    Enter: fit,
    c: () => jump(CAUSE),
    m: () => jump(PARTNER),
    Escape: () => choose(-1, false),
  };
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (!act || (event.key === "Escape" && chosen < 0)) return;
    event.preventDefault();
    act();
  });
  view.addEventListener("focus", () => {
    if (chosen < 0 && view.matches(":focus-visible")) choose(firstInSight(), false);
  });

  // Pointers: one drags, two pinch, a tap chooses.
  const pointers = new Map();
  let dragged = 0;
  const unitsPerPixel = () => width / area.clientWidth;
  const under = (clientX) => left + (clientX - area.getBoundingClientRect().left) * unitsPerPixel();
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event.clientX);
    if (pointers.size === 1) dragged = 0;
  });
  area.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) {
      const number = numberOf.get(event.target);
      if (number !== undefined && event.pointerType === "mouse") readout.textContent = told(number);
      return;
    }
    const before = pointers.get(event.pointerId);
    if (pointers.size === 1) {
      dragged += Math.abs(event.clientX - before);
      if (dragged > 4) {
        if (!area.hasPointerCapture(event.pointerId)) area.setPointerCapture(event.pointerId);
        look(left - (event.clientX - before) * unitsPerPixel(), width);
      }
    } else {
      const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
      const was = Math.abs(before - others[0]), is = Math.abs(event.clientX - others[0]);
      if (was > 4 && is > 4) zoom(was / is, under((event.clientX + others[0]) / 2));
      dragged = Infinity;
    }
    pointers.set(event.pointerId, event.clientX);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    area.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  area.addEventListener("pointerleave", () => {
    if (!pointers.size) readout.textContent = chosen < 0 ? hint : told(chosen);
  });
  area.addEventListener("click", (event) => {
    if (dragged <= 4) choose(numberOf.get(event.target) ?? -1, false);
  });
  area.addEventListener("dblclick", fit);
  area.addEventListener("wheel", (event) => {
    if (event.ctrlKey) zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 100))), under(event.clientX));
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      look(left + (event.deltaX || event.deltaY) * unitsPerPixel(), width);
    } else return;
    event.preventDefault();
  }, { passive: false });

  box.prepend(tools([
    ["−", "zoom out", keys["-"]], ["+", "zoom in", keys["+"]], ["◀", "earlier", keys[","]], ["▶", "later", keys["."]],
    ["whole", "show all of it", keys[0]],
  ]));
  box.append(help());
  new ResizeObserver(() => look(left, width)).observe(area);
  // On paper there is room for all of it, whatever was looked at.
  let seen = [left, width];
  addEventListener("beforeprint", () => {
    seen = [left, width];
    [left, width] = [0, data.wide];
    show();
    words.replaceChildren();  // placed in pixels of the screen
  });
  addEventListener("afterprint", () => look(...seen));
  choose(-1, false);
  show();
}

function tools(actions) {
  const bar = document.createElement("div");
  bar.className = "tools";
  for (const [sign, title, act] of actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", act);
    bar.append(button);
  }
  return bar;
}

function help() {
  const fold = document.createElement("details"), summary = document.createElement("summary");
  const list = document.createElement("dl");
  summary.textContent = "keys and gestures";
  fold.className = "keys";
  for (const [key, what] of [
    ["← → ↑ ↓", "from span to span, along a lane and across lanes"], ["Home, End", "first and last span of the lane"],
    ["C", "the span that this one waited for"], ["M", "the other end of a message"], ["Enter", "fit the span"],
    ["+ − 0", "zoom in, out, show all"], [", .", "earlier, later"], ["Esc", "choose none"],
    ["pointer", "drag moves, Ctrl + wheel or two fingers zoom, click chooses, double click fits"],
  ]) {
    const term = document.createElement("dt"), words = document.createElement("dd");
    term.textContent = key;
    words.textContent = what;
    list.append(term, words);
  }
  fold.append(summary, list);
  return fold;
}

document.querySelectorAll(".timeline").forEach(timeline);
