// The table of nodes: all that graph and timeline show, in words. Only the rows in
// sight are there when there are many.

/** So many rows are all there at once. */
const ALL_ROWS = 150;
const ROW = 33;

function drawTable() {
  const section = byId("nodes");
  if (N === 0) { fill(section, titled("nodes", "Nodes"), el("p", { class: "empty" }, "The run has no nodes.")); return; }
  const change = (node) => (previous === null || previous.ran[node] === null || ran(node) === null ? null : ran(node) - previous.ran[node]);
  const weight = (node) => BY_WEIGHT.indexOf(nodes.state[node]);
  const rank = nodes.name.map((_, node) => node).sort((a, b) => (nodes.name[a] < nodes.name[b] ? -1 : 1));
  const byName = new Int32Array(N);
  rank.forEach((node, at) => { byName[node] = at; });
  const columns = [
    { name: "State", key: weight, cell: (node) => stateOf(nodeState(node), nodeWord(node)) },
    { name: "Node", key: (node) => byName[node], cell: null },
    { name: "Began", key: began, number: true, wide: true, falls: false, cell: (node) => (began(node) === null ? "–" : duration(began(node))) },
    { name: "Queued", key: queued, number: true, wide: true, falls: true, cell: (node) => duration(queued(node)) },
    { name: "Ran", key: ran, number: true, falls: true, cell: nodeRanTold },
    previous !== null && { name: "Change", key: change, number: true, wide: true, falls: true, cell: (node) => changeOf(change(node), previous.ran[node]) },
    { name: "Attempts", key: (node) => nodes.attempts[node], number: true, wide: true, falls: true, cell: (node) => (nodes.attempts[node] === 0 ? "–" : count(nodes.attempts[node])) },
    { name: "Rows", key: (node) => nodes.rows[node], number: true, wide: true, falls: true, cell: (node) => (nodes.rows[node] === null ? "–" : count(nodes.rows[node])) },
    { name: "Loaded", key: (node) => nodes.bytes_loaded[node], number: true, wide: true, falls: true, cell: (node) => size(nodes.bytes_loaded[node]) },
    { name: "Saved", key: (node) => nodes.bytes_saved[node], number: true, wide: true, falls: true, cell: (node) => size(nodes.bytes_saved[node]) },
  ].filter(Boolean);

  let order = [];
  let sorted = { column: null, falls: false };
  let active = 0;
  const isTall = N > ALL_ROWS;
  const heads = columns.map((column) => {
    const button = el("button", { type: "button", click: () => sortBy(column) }, column.name);
    const classes = [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ");
    return el("th", { scope: "col", class: classes || null }, button);
  });
  const body = el("tbody", { keydown: pressed, focusin: (event) => { const at = event.target.dataset?.at; if (at !== undefined) active = Number(at); } });
  const table = el("table", { "aria-rowcount": N + 1, "aria-labelledby": "nodes-title" }, el("thead", {}, el("tr", { "aria-rowindex": "1" }, heads)), body);
  const frame = el("div", { class: isTall ? "scroll tall" : "scroll", tabindex: "-1", scroll: () => paint() }, table);
  const nothing = el("p", { class: "empty", hidden: true }, "No node matches. ", el("button", { type: "button", class: "plain", click: clear }, "Show all"));
  const told = el("span", {});
  fill(section, titled("nodes", "Nodes", told), frame, nothing);
  let painted = "";

  function clear() {
    Object.assign(filter, { text: "", tag: "" });
    filter.states.clear();
    byId("filter").querySelectorAll("input, select").forEach((field) => { field.value = ""; });
    refilter();
  }

  function sortBy(column) {
    // First the way that is asked for most, then the other, then as they were.
    const first = column.falls === true;
    if (sorted.column !== column) sorted = { column, falls: first };
    else if (sorted.falls === first) sorted = { column, falls: !first };
    else sorted = { column: null, falls: false };
    heads.forEach((head, at) => {
      if (columns[at] === sorted.column) head.setAttribute("aria-sort", sorted.falls ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    say(sorted.column === null ? "In running order" : "Sorted by " + column.name + (sorted.falls ? ", falling" : ", rising"));
    reorder();
  }

  function reorder() {
    order = [];
    for (let node = 0; node < N; node += 1) if (passes[node]) order.push(node);
    if (sorted.column !== null) {
      const keys = new Float64Array(N);
      // What has none comes last, either way.
      for (const node of order) keys[node] = sorted.column.key(node) ?? (sorted.falls ? -Infinity : Infinity);
      order.sort((a, b) => (sorted.falls ? keys[b] - keys[a] : keys[a] - keys[b]) || a - b);
    }
    active = Math.max(0, Math.min(active, order.length - 1));
    frame.hidden = order.length === 0;
    nothing.hidden = order.length > 0;
    table.setAttribute("aria-rowcount", order.length + 1);
    told.textContent = isFiltered() ? `${count(order.length)} of ${count(N)}` : "";
    painted = "";
    paint();
  }

  function rowOf(at) {
    const node = order[at];
    const button = nodeButton(node);
    button.dataset.at = at;
    button.title = shown(nodes.name[node]);
    button.tabIndex = at === active ? 0 : -1;
    const row = el("tr", { "aria-rowindex": at + 2, "data-chosen": node === chosen, "data-node": node, click: (event) => { if (event.target.closest("button") === null) choose(node, button); } });
    if (node === chosen) button.setAttribute("aria-current", "true");
    for (const column of columns) {
      const classes = [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ");
      row.append(el("td", { class: classes || null }, column.cell === null ? button : column.cell(node)));
    }
    return row;
  }

  function paint(isAll) {
    const [top, seen] = [frame.scrollTop, frame.clientHeight || 600];
    const windowed = isTall && order.length > ALL_ROWS && isAll !== true;
    const from = windowed ? Math.max(0, Math.floor(top / ROW) - 12) : 0;
    const to = windowed ? Math.min(order.length, Math.ceil((top + seen) / ROW) + 12) : Math.min(order.length, 10000);
    if (painted === from + ":" + to) return;
    painted = from + ":" + to;
    const held = document.activeElement?.dataset?.at;
    const had = body.contains(document.activeElement);
    const gap = (rows) => { const cell = el("td", { colspan: columns.length }); cell.style.height = rows * ROW + "px"; return el("tr", { class: "gap", "aria-hidden": "true" }, cell); };
    const rows = [];
    for (let at = from; at < to; at += 1) rows.push(rowOf(at));
    // One of those in sight can be reached by tab.
    if (active < from || active >= to) rows[Math.min(rows.length - 1, 12)]?.querySelector("button")?.setAttribute("tabindex", "0");
    fill(body, from > 0 && gap(from), rows, to < order.length && gap(order.length - to));
    if (had) (body.querySelector(`[data-at="${held}"]`) ?? frame).focus({ preventScroll: true });
  }

  function pressed(event) {
    const page = Math.max(1, Math.floor(frame.clientHeight / ROW) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    goTo(Math.max(0, Math.min(order.length - 1, active + step)), true);
  }

  function goTo(at, isFocused) {
    body.querySelector(`[data-at="${active}"]`)?.setAttribute("tabindex", "-1");
    active = at;
    const top = at * ROW;
    if (isTall && (top < frame.scrollTop || top + 3 * ROW > frame.scrollTop + frame.clientHeight)) {
      frame.scrollTop = top < frame.scrollTop ? top : top + 3 * ROW - frame.clientHeight;
    }
    paint();
    const button = body.querySelector(`[data-at="${at}"]`);
    button?.setAttribute("tabindex", "0");
    if (isFocused) button?.focus({ preventScroll: isTall });
  }

  onFilter.push(reorder);
  onChosen.push((node) => {
    body.querySelectorAll("[data-chosen]").forEach((row) => { delete row.dataset.chosen; row.querySelector("button").removeAttribute("aria-current"); });
    if (node === null) return;
    const at = order.indexOf(node);
    if (at >= 0 && at !== active) goTo(at, false);
    const row = body.querySelector(`[data-node="${node}"]`);
    if (row === null) return;
    row.dataset.chosen = "";
    row.querySelector("button").setAttribute("aria-current", "true");
  });
  addEventListener("beforeprint", () => { painted = ""; paint(true); });
  addEventListener("afterprint", () => { painted = ""; paint(); });
  new ResizeObserver(() => paint()).observe(frame);
  reorder();
}

/** A difference with its sign and what it means; below a tenth and a millisecond it
 *  is the machine's doing and not the node's. */
function changeOf(change, before) {
  if (change === null) return "–";
  const isSeen = Math.abs(change) > 1e6 && Math.abs(change) > before * 0.1;
  return el("span", { class: !isSeen ? "soft" : change > 0 ? "worse" : "better" }, difference(change));
}
