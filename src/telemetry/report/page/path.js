// The critical path: the chain of nodes that the run had to wait for.

const STEPS = 100;

function drawPath() {
  const section = byId("path");
  if (criticalPath.length === 0) {
    if (N === 0) section.hidden = true;
    else fill(section, titled("path", "Critical path"), el("p", { class: "empty" }, "No node came to its end."));
    return;
  }
  const [worked, waited] = [sum(criticalPath.map(ran)), sum(criticalPath.map(queued))];
  const before = sum(data.path_before);
  const list = el("ol", { class: "steps" });
  const places = criticalPath.map((_, at) => at);
  const isLong = criticalPath.length > STEPS;
  // Of a long one the steps that took longest, in their order.
  const longest = isLong ? [...places].sort((a, b) => cost(b) - cost(a)).slice(0, STEPS).sort((a, b) => a - b) : places;
  const show = (some) => fill(list, some.map((at) => step(criticalPath[at], at)));
  show(longest);
  const most = 5000;
  const more = isLong && el("button", { type: "button", click: () => { show(places.slice(0, most)); more.remove(); } }, criticalPath.length > most ? `Show the first ${count(most)} steps` : `Show all ${count(criticalPath.length)} steps`);
  const told = `${plural(criticalPath.length, "node")} ran ${duration(worked)}${criticalPath.length === 1 ? "" : " one after the other"}` + (took > 0 ? `, ${percent(Math.min(1, worked / took))} of the run` : "") + (waited > 0 ? `, and ${criticalPath.length === 1 ? "was" : "were"} ready ${duration(waited)} before a worker took ${criticalPath.length === 1 ? "it" : "them"}` : "") + (before > took / 100 ? `; ${duration(before)} went by before that, in attempts that failed and pauses.` : ".");
  fill(section, titled("path", "Critical path", told),
    isLong && el("p", { class: "meta" }, `The ${STEPS} steps that took longest, in their order.`), list, more);
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
const cost = (at) => data.path_before[at] + ran(criticalPath[at]) + queued(criticalPath[at]);

function step(node, at) {
  const part = (kind, time) => { const bar = el("span", { class: kind }); bar.style.width = (100 * time) / Math.max(1, took) + "%"; return bar; };
  const before = data.path_before[at];
  const waited = before + queued(node);
  const bar = el("span", { class: "share", "aria-hidden": "true" }, part("before", Math.max(0, began(node) - waited)), part("waited", waited), part(nodeState(node).key, ran(node)));
  const button = nodeButton(node);
  button.title = shown(nodes.name[node]);
  const told = (before > 0 ? `${duration(before)} until it was ready, ` : "") + `waited ${duration(queued(node))}, ran ${nodeRanTold(node)}`;
  return el("li", { class: nodes.state[node] === DONE ? null : nodeState(node).key },
    el("span", { class: "place" }, count(at + 1)), button, el("span", { class: "number", title: told }, nodeRanTold(node)), bar);
}
