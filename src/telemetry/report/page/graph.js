// The graph: boxes with a stripe of their state. Each is a button; one at a time is
// in the tab order, and arrows go from box to box.

function drawGraph() {
  const section = byId("graph");
  if (N === 0) { section.hidden = true; return; }
  const edges = draw("g", {});
  const boxes = draw("g", { role: "group", "aria-label": "Graph of the nodes. Left and right go along the edges, up and down within a step, Enter chooses." });
  const world = draw("g", {}, edges, boxes);
  const canvas = el("div", { class: "canvas", keydown: pressed, dblclick: (event) => { if (event.target === svg) moves.zoomBy(1.5); } });
  const svg = draw("svg", {}, world);
  canvas.append(svg);
  const crumbs = el("ol", { class: "crumbs", "aria-label": "Open groups" });
  const moves = movable(canvas, { changed: turned, least: () => Math.min(0.05, whole().k), most: () => 3 });
  fill(section,
    titled("graph", "Graph", everything.isFlat ? null : `${count(N)} nodes are too many to draw at once: they are in groups, which open.`, viewTools("graph", moves, fit)),
    crumbs, canvas,
    el("p", { class: "legend", "aria-hidden": "true" }, legend("of-path", "critical path"), el("span", {}, "drag to move, ctrl + wheel to zoom, + − 0 and arrows by keyboard")));

  let group, scene, place, elements, at;
  const chosenEdges = draw("path", { class: "edges chosen" });

  function open(next, target) {
    [group, at] = [next, null];
    scene = sceneOf(group);
    const order = scene.items.map((item) => (item.group === undefined ? depth[item.node] : item.group.members.reduce((sum, node) => sum + depth[node], 0) / item.group.members.length));
    place = layered(scene.items.length, scene.edges, order);
    elements = scene.items.map((item, index) => (item.group === undefined ? nodeBox(item, index) : groupBox(item, index)));
    fill(boxes, elements);
    const lines = (list) => list.map(({ at }) => curve(place.routes[at])).join("");
    const numbered = scene.edges.map((edge, at) => ({ ...edge, at }));
    fill(edges, draw("path", { class: "edges", d: lines(numbered.filter((edge) => !edge.critical)) }), draw("path", { class: "edges critical", d: lines(numbered.filter((edge) => edge.critical)) }), chosenEdges);
    fill(crumbs, trail(group).map((outer) => el("li", {}, outer === group ? el("span", { "aria-current": "location" }, shown(outer.label)) : el("button", { type: "button", class: "plain", click: () => { open(outer); focusBox(at); } }, shown(outer.label)))));
    crumbs.hidden = everything.isFlat;
    const found = target === undefined ? scene.items.findIndex((item) => heaviest(item) === FAILED) : scene.items.findIndex((item) => item.node === target && !item.ghost);
    rove(found < 0 ? 0 : found);
    mark();
    fade();
    size();
    start(found);
  }

  function boxAt(index, classes, name, pressed, ...inside) {
    const box = draw("g", {
      class: "item " + classes, role: "button", tabindex: "-1", "aria-label": name, "aria-pressed": pressed, "data-item": index,
      transform: `translate(${place.x[index]} ${place.y[index]})`, click: () => { rove(index); act(index); },
      focus: () => { rove(index); if (box.matches(":focus-visible")) bringIntoView(index); },
    },
    draw("rect", { class: "ring", x: -4, y: -4, width: BOX.width + 8, height: BOX.height + 8, rx: 8 }),
    draw("rect", { class: "box", width: BOX.width, height: BOX.height, rx: 5 }), inside);
    return box;
  }

  function nodeBox({ node, ghost }, index) {
    const state = nodeState(node);
    const [name, namespace] = [localName(node), namespaceOf(node)];
    const attempts = nodes.attempts[node] > 1 ? nodes.attempts[node] + " attempts" : null;
    const under = [ran(node) === null ? nodeWord(node) : nodeRanTold(node), attempts, localName(node) === nodes.name[node] ? null : middle(namespace, 12)].filter(Boolean).join(" · ");
    const told = `${shown(nodes.name[node])}: ${nodeWord(node)}${ran(node) === null ? "" : ", ran " + nodeRanTold(node)}${isCritical[node] ? ", on the critical path" : ""}`;
    return boxAt(index, state.key + (ghost ? " ghost" : "") + (isCritical[node] ? " critical" : ""), told, "false",
      draw("title", {}, told), draw("rect", { class: "stripe", x: 0, y: 0, width: 5, height: BOX.height, rx: 2 }),
      draw("svg", { class: "icon", x: 13, y: 7, width: 13, height: 13, viewBox: "0 0 16 16" }, draw("use", { href: "#state-" + state.key })),
      draw("text", { x: 32, y: 18 }, middle(name, 20)), draw("text", { class: "under", x: 32, y: 34 }, under));
  }

  function groupBox({ group, ghost }, index) {
    const numbers = countsOf(group);
    const all = group.members.length;
    const told = `Group ${shown(group.label)}, ${plural(all, "node")}: ` + BY_WEIGHT.filter((state) => numbers[state] > 0).map((state) => count(numbers[state]) + " " + stateWord(state)).join(", ");
    let from = 12;
    const width = BOX.width - 24;
    const parts = BY_WEIGHT.filter((state) => numbers[state] > 0).map((state) => {
      const wide = Math.max(3, (numbers[state] / all) * width);
      const part = draw("rect", { class: "stripe " + STATES[state].key, x: from, y: 33, width: Math.min(wide, 12 + width - from), height: 4 });
      from += wide;
      return part;
    });
    const worst = BY_WEIGHT.find((state) => numbers[state] > 0);
    return boxAt(index, "group " + STATES[worst].key + (ghost ? " ghost" : ""), told, null, draw("title", {}, told),
      draw("svg", { class: "icon", x: 12, y: 7, width: 12, height: 12, viewBox: "0 0 16 16" }, draw("use", { href: "#state-" + STATES[worst].key })),
      draw("text", { x: 30, y: 16 }, middle(group.label, 20)),
      draw("text", { class: "under", x: 30, y: 29 }, count(all) + " nodes" + (worst === DONE || worst === KEPT ? "" : " · " + count(numbers[worst]) + " " + stateWord(worst))), parts);
  }

  const heaviest = (item) => (item.group === undefined ? nodes.state[item.node] : BY_WEIGHT.find((state) => countsOf(item.group)[state] > 0));

  function act(index) {
    const item = scene.items[index];
    if (item.group === undefined && !item.ghost) return choose(item.node, elements[index]);
    if (item.group === undefined) { open(groupOf(item.node), item.node); focusBox(at); return choose(item.node, elements[at]); }
    open(item.group);
    say(`${shown(item.group.label)}, ${plural(scene.items.filter((part) => !part.ghost).length, "part")}`);
    focusBox(at);
  }

  function rove(index) {
    if (at !== null) elements[at]?.setAttribute("tabindex", "-1");
    at = index;
    elements[at]?.setAttribute("tabindex", "0");
  }

  function focusBox(index) { elements[index]?.focus({ preventScroll: true }); }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    if (key === "+" || key === "=") moves.zoomBy(1.4);
    else if (key === "-") moves.zoomBy(1 / 1.4);
    else if (key === "0") fit();
    else if (key === "Enter" || key === " ") act(at);
    else if (key === "Backspace" && group.parent !== null) { open(group.parent); focusBox(at); }
    else if (key === "Home" || key === "End") go(key === "Home" ? 0 : elements.length - 1);
    else if (key.startsWith("Arrow")) go(event.shiftKey ? null : neighbour(key), key);
    else return;
    event.preventDefault();
  }

  /** To another box; with shift, or where there is none, the drawing moves. */
  function go(index, key) {
    if (index !== null && index !== undefined) { rove(index); focusBox(index); bringIntoView(index); return; }
    const [dx, dy] = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[key] ?? [0, 0];
    moves.move(dx, dy);
  }

  function neighbour(key) {
    const near = (many) => many.reduce((best, index) => (best === null || Math.abs(place.y[index] - place.y[at]) < Math.abs(place.y[best] - place.y[at]) ? index : best), null);
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const right = key === "ArrowRight";
      return near(scene.edges.flatMap(({ a, b }) => (a === at || b === at) && place.x[a === at ? b : a] > place.x[at] === right ? [a === at ? b : a] : []));
    }
    const down = key === "ArrowDown";
    const same = elements.map((_, index) => index).filter((index) => index !== at && place.x[index] === place.x[at] && place.y[index] > place.y[at] === down);
    return near(same);
  }

  function bounds() {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let index = 0; index < elements.length; index += 1) {
      left = Math.min(left, place.x[index]); right = Math.max(right, place.x[index] + BOX.width);
      top = Math.min(top, place.y[index]); bottom = Math.max(bottom, place.y[index] + BOX.height);
    }
    return { left, top, right, bottom };
  }

  function whole() {
    if (scene === undefined) return { x: 0, y: 0, k: 1 };
    const { left, top, right, bottom } = bounds();
    const [width, height] = [canvas.clientWidth || 800, canvas.clientHeight || 500];
    const k = Math.min(1.25, (width - 32) / (right - left), (height - 32) / (bottom - top));
    return { k, x: (width - k * (left + right)) / 2, y: (height - k * (top + bottom)) / 2 };
  }

  /** As tall as it has to be, and no taller than leaves room for the rest. */
  function size() {
    const { left, top, right, bottom } = bounds();
    const k = startScale((canvas.clientWidth - 32) / (right - left));
    const tall = everything.isFlat ? (bottom - top) * k + 48 : Infinity;
    canvas.style.height = Math.max(170, Math.min(tall, innerHeight * 0.62, 640)) + "px";
  }

  /** All of its width, if it can be read then; else what can be read. */
  function startScale(k) { return k >= 0.58 ? Math.min(1.1, k) : isNarrow.matches ? 0.85 : 0.8; }

  function fit() { moves.set(whole()); }

  /** All of it, where it can be read so; else what counts most, large enough. */
  function start(found) {
    const all = whole();
    if (all.k >= 0.58) return moves.set(all);
    const { left, top, right, bottom } = bounds();
    const k = startScale((canvas.clientWidth - 32) / (right - left));
    const height = canvas.clientHeight || 500;
    const tall = (bottom - top) * k > height - 32;
    moves.set({ k, x: 24 - left * k, y: tall ? 24 - top * k : (height - k * (top + bottom)) / 2 });
    bringIntoView(found < 0 ? 0 : found, true);
  }

  function bringIntoView(index, toMiddle) {
    const { view } = moves;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [x, y] = [view.x + (place.x[index] + BOX.width / 2) * view.k, view.y + (place.y[index] + BOX.height / 2) * view.k];
    const [w, h] = [Math.min(width / 2, (BOX.width / 2) * view.k + 16), Math.min(height / 2, (BOX.height / 2) * view.k + 16)];
    if (x >= w && x <= width - w && y >= h && y <= height - h) return;
    if (toMiddle || x < -width || x > 2 * width || y < -height || y > 2 * height) return moves.move(width / 2 - x, height / 2 - y);
    moves.move(x < w ? w - x : x > width - w ? width - w - x : 0, y < h ? h - y : y > height - h ? height - h - y : 0);
  }

  function turned({ x, y, k }) {
    world.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    svg.classList.toggle("far", k < 0.4);
  }

  function mark() {
    elements.forEach((box, index) => { if (scene.items[index].group === undefined) box.setAttribute("aria-pressed", String(scene.items[index].node === chosen && !scene.items[index].ghost)); });
    const index = chosen === null ? -1 : scene.items.findIndex((item) => item.node === chosen);
    chosenEdges.setAttribute("d", index < 0 ? "" : scene.edges.map((edge, at) => (edge.a === index || edge.b === index ? curve(place.routes[at]) : "")).join(""));
    return index;
  }

  function fade() {
    elements.forEach((box, index) => {
      const item = scene.items[index];
      const isSeen = item.group === undefined ? passes[item.node] : !isFiltered() || item.group.members.some((node) => passes[node]);
      box.classList.toggle("faded", !isSeen);
    });
  }

  onFilter.push(fade);
  onChosen.push((node) => {
    if (node === null) { mark(); return; }
    const isHere = scene.items.some((item) => item.node === node && !item.ghost);
    if (!isHere) open(groupOf(node), node);
    const index = mark();
    rove(index);
    bringIntoView(index);
  });
  let seenWidth = canvas.clientWidth;
  new ResizeObserver(() => {
    if (canvas.clientWidth === seenWidth || canvas.clientWidth === 0) return;
    seenWidth = canvas.clientWidth;
    size();
    if (chosen === null) start(at ?? 0);
    else bringIntoView(at ?? 0);
  }).observe(canvas);
  addEventListener("beforeprint", () => { const all = whole(); turned(all); });
  addEventListener("afterprint", () => moves.redraw());
  open(everything);
}

function trail(group) {
  return group === null ? [] : [...trail(group.parent), group];
}

/** A line through points two by two: level along a box, bent between. */
function curve(points) {
  const round = (number) => Math.round(number * 10) / 10;
  let path = `M${round(points[0][0])} ${round(points[0][1])}`;
  for (let at = 1; at < points.length; at += 1) {
    const [[x1, y1], [x2, y2]] = [points[at - 1], points[at]];
    if (y1 === y2) path += `L${round(x2)} ${round(y2)}`;
    else {
      const bend = Math.max(20, Math.abs(x2 - x1) / 2);
      path += `C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${round(x2)} ${round(y2)}`;
    }
  }
  return path;
}

function legend(kind, word) {
  return el("span", {}, el("i", { class: kind }), word);
}
