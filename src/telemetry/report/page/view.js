// Moving and zooming a drawing, by wheel, pointer, fingers and keys. A plain wheel
// scrolls the page, as everywhere: to zoom, control or command is held with it.

/** Where a drawing stands: `x` and `y` of its origin in pixels, and its scale. */
function movable(element, { changed, least, most, flat }) {
  const view = { x: 0, y: 0, k: 1 };
  const pointers = new Map();
  let moved = 0;
  let frame = 0;

  const redraw = () => {
    if (frame === 0) frame = requestAnimationFrame(() => { frame = 0; changed(view); });
  };
  const zoomAt = (x, y, factor) => {
    const k = Math.min(most(), Math.max(least(), view.k * factor));
    view.x = x - (x - view.x) * (k / view.k);
    if (!flat) view.y = y - (y - view.y) * (k / view.k);
    view.k = k;
    redraw();
  };
  const placeOf = (event) => {
    const place = element.getBoundingClientRect();
    return [event.clientX - place.left, event.clientY - place.top];
  };

  element.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      zoomAt(...placeOf(event), Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0022)));
    } else if (event.deltaX !== 0 || event.shiftKey) {
      view.x -= event.deltaX || event.deltaY;
      redraw();
    } else return;
    event.preventDefault();
  }, { passive: false });

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (pointers.size === 1) moved = 0;
  });
  // On the window, so that a press on a node stays a click on it.
  addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (last === undefined) return;
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - last[0], now[1] - last[1]];
    moved += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
      const place = element.getBoundingClientRect();
      zoomAt((now[0] + other[0]) / 2 - place.left, (now[1] + other[1]) / 2 - place.top, apart(now) / Math.max(1, apart(last)));
    } else if (moved > 4) {
      element.classList.add("dragged");
      view.x += dx;
      if (!flat) view.y += dy;
      redraw();
    }
    pointers.set(event.pointerId, now);
  });
  const released = (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) element.classList.remove("dragged");
  };
  addEventListener("pointerup", released);
  addEventListener("pointercancel", released);
  element.addEventListener("click", (event) => {
    // A click by another way than the pointer has no way behind it.
    if (moved > 4) { event.stopPropagation(); event.preventDefault(); moved = 0; }
  }, true);

  const middleOf = () => [element.clientWidth / 2, element.clientHeight / 2];
  return {
    view,
    redraw,
    zoomBy: (factor) => zoomAt(...middleOf(), factor),
    move: (dx, dy) => { view.x += dx; view.y += dy; redraw(); },
    set: (next) => { Object.assign(view, next); redraw(); },
  };
}

/** The buttons that do the same. */
function viewTools(of, moves, fit) {
  const tool = (text, label, click) => el("button", { type: "button", "aria-label": label, title: label, click }, text);
  return [
    tool("−", "Zoom out of the " + of, () => moves.zoomBy(1 / 1.5)),
    tool("+", "Zoom into the " + of, () => moves.zoomBy(1.5)),
    tool("Fit", "Show the whole " + of, fit),
  ];
}
