// What went wrong, first of all: the nodes that failed, why, what they said, and
// what is left to do.

const FAILURES_SHOWN = 20;
const LEFT_NAMED = 10000;
const KINDS = {
  error: "returned an error", panic: "panicked", load: "could not load what it reads", save: "could not save what it writes",
  confirm: "could not confirm what it read", hook: "was stopped by a hook", timeout: "took too long", died: "died with its process",
};

function drawFailures() {
  const section = byId("failures");
  const failed = data.failures.filter((failure) => nodes.state[failure.node] === FAILED);
  const underWay = [];
  if (isInterrupted) nodes.state.forEach((state, node) => { if (state === RUNNING) underWay.push(node); });
  const isWrong = failed.length > 0 || underWay.length > 0 || run.problems.length > 0 || (run.error !== null && run.end !== "done") || run.resume !== null || (isInterrupted && N > 0);
  section.hidden = !isWrong;
  if (!isWrong) return;
  const title = failed.length > 0 ? plural(counts[FAILED], "node") + " failed" : run.end === "refused" ? "Why it was refused" : isInterrupted ? "Interrupted" : run.end === "cancelled" ? "Called off" : "What went wrong";
  const list = el("div", {});
  const more = el("button", { type: "button", click: () => { add(failed.splice(0)); more.remove(); } });
  const add = (some) => list.append(...some.map((failure, at) => failureView(failure, list.childElementCount + at < 3)));
  add(failed.splice(0, FAILURES_SHOWN));
  more.textContent = "Show " + plural(failed.length, "more failure");
  fill(section,
    el("h2", { id: "failures-title" }, title),
    failed.length === 0 && list.childElementCount === 0 && run.error !== null && run.problems.length === 0 && el("p", { class: "message" }, shown(run.error)),
    run.problems.map((problem) => el("p", { class: "message" }, shown(problem))),
    underWay.length > 0 && interrupted(underWay),
    list,
    failed.length > 0 && more,
    data.failures_left_out > 0 && el("p", { class: "meta" }, plural(data.failures_left_out, "further failure") + " left out of this report; all are in events.jsonl."),
    resumeView());
}

function failureView(failure, isOpen) {
  const { node } = failure;
  const skipped = [];
  nodes.skipped_by.forEach((by, at) => { if (by === node) skipped.push(at); });
  const after = nodes.attempts[node] > 1 ? " in the last of " + plural(nodes.attempts[node], "attempt") : "";
  return el("article", { class: "failure", "data-node": node },
    el("h3", {}, nodeButton(node), el("span", { class: "state failed" }, icon(STATES[FAILED]), (KINDS[failure.kind] ?? "failed") + after)),
    causeView(failure),
    el("p", { class: "meta" },
      ran(node) === null ? "" : "It ran " + duration(ran(node)) + ". ",
      skipped.length > 0 && ["Skipped because of it: ", some(skipped), "."]),
    logView(node, isOpen));
}

/** Message, causes and place. */
function causeView(failure) {
  return [
    el("p", { class: "message", tabindex: failure.message.length > 2000 ? "0" : null }, shown(failure.message)),
    failure.causes.length > 0 && el("ul", { class: "causes", "aria-label": "Causes" }, failure.causes.map((cause) => el("li", {}, shown(cause)))),
    failure.place !== null && !failure.message.includes(failure.place) && el("p", { class: "meta" }, "At ", el("span", { class: "name" }, shown(failure.place))),
  ];
}

/** A few of many nodes, each to be chosen. */
function some(many, most = 5) {
  const told = many.slice(0, most).flatMap((node, at) => [at > 0 ? ", " : "", nodeButton(node)]);
  return many.length > most ? [...told, " and " + plural(many.length - most, "other")] : told;
}

function interrupted(underWay) {
  return [
    el("p", { class: "meta" }, "Under way at the last event: ", some(underWay, 20), "."),
    underWay.slice(0, 3).map((node) => logView(node, underWay.length === 1)),
  ];
}

function resumeView() {
  if (isInterrupted) return leftView();
  const { resume } = run;
  if (resume === null) return null;
  if (resume.is_whole) return wholeLeft();
  const short = resume.is_exact && resume.from_nodes.length < resume.nodes.length;
  const code = resume.nodes.length < resume.count ? null : selectionOf(short ? "from_nodes" : "nodes", short ? resume.from_nodes : resume.nodes);
  return el("div", { class: "resume" },
    el("h3", {}, "What is left"),
    el("p", { class: "soft" }, `${plural(resume.count, "node")} of ${count(N)}. To run just ${resume.count === 1 ? "that" : "these"}:`),
    code === null ? el("p", {}, "Too many to name here: error.resume().nodes() has them.") : codeOf(code));
}

/** What is left of a run that was interrupted, as far as the states tell: which data
 *  was in memory alone is not on record. */
function leftView() {
  const isDone = (node) => nodes.state[node] === DONE || nodes.state[node] === KEPT;
  const left = [];
  for (let node = 0; node < N; node += 1) if (!isDone(node)) left.push(node);
  if (left.length === 0) return null;
  if (left.length === N) return wholeLeft();
  const before = [...new Set(left.flatMap((node) => nodes.needs[node]).filter(isDone))].sort((a, b) => a - b);
  return el("div", { class: "resume" },
    el("h3", {}, "What is left"),
    el("p", { class: "soft" }, `${plural(left.length, "node")} of ${count(N)} ${left.length === 1 ? "is" : "are"} not done. Once the process has ended, to run just ${left.length === 1 ? "that" : "these"}:`),
    left.length > LEFT_NAMED ? el("p", {}, "Too many to name here: the table of nodes has them, by state.") : codeOf(selectionOf("nodes", left.map((node) => nodes.name[node]))),
    before.length > 0 && el("p", {}, "What was in memory alone went with the process. ", left.length === 1 ? "It reads" : "They read", " from ", some(before), before.length === 1 ? ", which is done: add it if its outputs were, and so on with what it reads." : ", which are done: add those whose outputs were, and so on with what these read."));
}

function wholeLeft() {
  return el("div", { class: "resume" }, el("h3", {}, "What is left"), el("p", {}, "The whole pipeline: run it again as it was."));
}

function selectionOf(method, names) {
  return `let rest = Selection::new().${method}([${names.map((name) => JSON.stringify(name)).join(", ")}]);\nlet pipeline = pipeline.select(&rest)?;`;
}
