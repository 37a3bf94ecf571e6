// Which node is chosen, and which nodes the filter lets through.

let chosen = null;
const onChosen = [];

/** Chooses a node, or none; `from` is the element to go back to after. */
function choose(node, from) {
  if (node === chosen) return;
  chosen = node;
  onChosen.forEach((told) => told(node, from));
  if (node !== null) say(nodes.name[node] + ", " + nodeWord(node) + (ran(node) === null ? "" : ", ran " + nodeRanTold(node)));
}

const filter = { text: "", tag: "", states: new Set() };
const passes = new Uint8Array(N).fill(1);
let passing = N;
const onFilter = [];
const isFiltered = () => passing < N;

let lowered = null;
function refilter() {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 0) lowered ??= nodes.name.map((name) => name.toLowerCase());
  const tag = filter.tag === "" ? null : Number(filter.tag);
  passing = 0;
  for (let node = 0; node < N; node += 1) {
    const passed = (filter.states.size === 0 || filter.states.has(nodes.state[node]))
      && (tag === null || nodes.tags[node].includes(tag))
      && words.every((word) => lowered[node].includes(word));
    passes[node] = passed ? 1 : 0;
    passing += passed ? 1 : 0;
  }
  onFilter.forEach((told) => told());
}

/** A button that chooses a node. */
function nodeButton(node, text) {
  return el("button", { type: "button", class: "plain name", click: (event) => choose(node, event.currentTarget) }, shown(text ?? nodes.name[node]));
}
