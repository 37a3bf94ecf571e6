// What is different from the run before.

const LISTED = 12;

function drawCompare() {
  const section = byId("compare");
  if (previous === null) { section.hidden = true; return; }
  const [changed, slower, quicker, added] = [[], [], [], []];
  for (let node = 0; node < N; node += 1) {
    const before = previous.state[node];
    if (before === null) { added.push(node); continue; }
    if (before !== nodes.state[node]) changed.push(node);
    if (previous.ran[node] === null || ran(node) === null) continue;
    const change = ran(node) - previous.ran[node];
    if (Math.abs(change) <= 1e6 || Math.abs(change) <= previous.ran[node] * 0.1) continue;
    (change > 0 ? slower : quicker).push(node);
  }
  const gain = (node) => Math.abs(ran(node) - previous.ran[node]);
  slower.sort((a, b) => gain(b) - gain(a));
  quicker.sort((a, b) => gain(b) - gain(a));
  changed.sort((a, b) => BY_WEIGHT.indexOf(nodes.state[a]) - BY_WEIGHT.indexOf(nodes.state[b]));
  const id = shown(previous.run_id);
  // A folder beside this one, whatever it is called: an address of the web it is not.
  const name = previous.folder === null ? nameOf(previous.run_id) : el("a", { href: "../" + encodeURIComponent(previous.folder) + "/report.html", class: "name" }, id);
  const both = run.end !== null && previous.end !== null;
  const total = took - previous.took;
  const told = [name, previous.started === null ? "" : " of " + moment(previous.started), ` ${previous.end ?? "was interrupted"} after ${duration(previous.took)}; this one took `,
    both ? [changeOf(total, previous.took), "."] : [duration(took), "."]];
  const isSame = changed.length + slower.length + quicker.length + added.length + previous.gone_count + previous.parameters.length === 0;
  fill(section,
    titled("compare", "Against the run before"),
    el("p", {}, told),
    isSame && el("p", { class: "meta" }, "Parameters, nodes and states are the same, and no node took another time by more than a tenth and a millisecond."),
    previous.parameters.length > 0 && el("div", { class: "split" }, el("h3", {}, "Parameters that changed"),
      el("table", { class: "values", "aria-label": "Parameters that changed" }, el("thead", {}, el("tr", {}, ["Parameter", "Before", "Now"].map((word) => el("th", { scope: "col" }, word)))),
        el("tbody", {}, previous.parameters.map(([name, before, now]) => el("tr", {}, el("td", {}, nameOf(name)), el("td", {}, valueOf(before)), el("td", {}, valueOf(now))))))),
    el("div", { class: "both" },
      group("Another state", changed, (node) => [stateOf(STATES[previous.state[node]]), " → ", stateOf(nodeState(node), nodeWord(node))]),
      group("Slower", slower, timed), group("Quicker", quicker, timed),
      group("New", added, (node) => stateOf(nodeState(node), nodeWord(node))),
      previous.gone_count > 0 && el("div", {}, el("h3", {}, `No longer there (${count(previous.gone_count)})`),
        el("ul", {}, previous.gone.slice(0, LISTED).map((name) => el("li", {}, nameOf(name))), previous.gone_count > LISTED && el("li", { class: "soft" }, plural(previous.gone_count - Math.min(LISTED, previous.gone.length), "other"))))));

  function timed(node) {
    return [el("span", { class: "soft" }, duration(previous.ran[node]) + " → " + nodeRanTold(node) + " "), changeOf(ran(node) - previous.ran[node], previous.ran[node])];
  }

  function group(title, some, says) {
    if (some.length === 0) return null;
    const rows = (list) => list.map((node) => el("tr", {}, el("td", {}, nodeButton(node)), el("td", { class: "number" }, says(node))));
    const body = el("tbody", {}, rows(some.slice(0, LISTED)));
    const rest = some.slice(LISTED, 500);
    const more = rest.length > 0 && el("button", { type: "button", class: "plain", click: () => { body.append(...rows(rest)); more.remove(); } }, `Show ${count(rest.length)} more`);
    return el("div", {}, el("h3", {}, `${title} (${count(some.length)})`), el("table", { "aria-label": title }, body), more);
  }
}

function valueOf(value) {
  return value === null ? el("span", { class: "soft" }, "not there") : el("pre", {}, shown(value));
}
