// The head of the page, the bar under it, and the filter.

/** How the run ended, as a state, a word and a sentence. */
const outcome = (() => {
  const after = took > 0 ? " after " + duration(took) : "";
  const failed = counts[FAILED];
  const rest = [
    counts[SKIPPED] > 0 && count(counts[SKIPPED]) + (counts[SKIPPED] === 1 ? " was" : " were") + " skipped because of that",
    counts[CANCELLED] > 0 && count(counts[CANCELLED]) + " gave up",
    counts[NEVER] > 0 && count(counts[NEVER]) + (counts[NEVER] === 1 ? " was" : " were") + " never started",
  ].filter(Boolean);
  const more = rest.length > 0 ? "; " + rest.join(", ") : "";
  switch (run.end) {
    case "done": return [DONE, "done", N === 0 ? "There was nothing to do." : `All ${plural(N, "node")} done${after}` + (counts[KEPT] > 0 ? `, ${count(counts[KEPT])} of them up to date before.` : ".")];
    case "failed": return [FAILED, "failed", failed > 0 ? `${count(failed)} of ${plural(N, "node")} failed${after}${more}.` : `Failed${after}, and no node of it did${more}.`];
    case "cancelled": return [CANCELLED, "cancelled", `Called off${run.cancelled_at === null ? after : " after " + duration(run.cancelled_at)}: ${count(counts[DONE] + counts[KEPT])} of ${plural(N, "node")} done${failed > 0 ? ", " + count(failed) + " failed" : ""}${more}.`];
    case "refused": return [FAILED, "refused", "The run did not begin."];
    default: return [RUNNING, "interrupted", `The record stops${after} without the run's end: its process ended before, or the run still goes on. ${count(counts[DONE] + counts[KEPT])} of ${plural(N, "node")} done, ${count(counts[RUNNING])} under way${more}.`];
  }
})();

function drawHead() {
  const [state, word, told] = outcome;
  const id = run.id === null ? "A run without a name" : run.id;
  document.title = (run.id === null ? "Run" : shown(run.id).slice(0, 80)) + " – " + word;
  const facts = [
    ["Started", run.started === null ? "not known" : el("time", { datetime: run.started }, moment(run.started))],
    ["Took", duration(took) + (isInterrupted ? " or more" : "")],
    run.runner !== null && ["Runner", run.runner],
    run.workers !== null && ["Workers", count(run.workers)],
    run.efficiency !== null && ["Efficiency", el("span", { title: "How much of the workers' time was spent on nodes" }, percent(run.efficiency))],
    ["Nodes", count(N)],
    data.critical_path.length > 0 && ["Critical path", plural(criticalPath.length, "node")],
  ].filter(Boolean);
  fill(byId("head"),
    el("div", { class: "brand" }, el("span", {}, "entourage run report"), themes()),
    el("h1", {}, nameOf(id), el("span", { class: "badge " + STATES[state].key }, icon(STATES[state]), word)),
    el("p", { class: "told" }, told),
    data.problems.map((problem) => el("p", { class: "notice" }, "The record: " + shown(problem))),
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    N > 0 && stack(counts),
    N > 0 && el("div", { class: "states", role: "group", "aria-label": "Show nodes by state" }, stateButtons()));
}

/** A bar of how many nodes are in which state. */
function stack(numbers) {
  const bar = el("div", { class: "stack", "aria-hidden": "true" });
  for (const state of BY_WEIGHT) {
    if (numbers[state] === 0) continue;
    const part = el("span", { class: STATES[state].key });
    part.style.flexGrow = numbers[state];
    bar.append(part);
  }
  return bar;
}

function stateButtons() {
  return BY_WEIGHT.filter((state) => counts[state] > 0).map((state) => {
    const button = el("button", {
      type: "button", "aria-pressed": "false", "data-state": state,
      click: () => {
        if (!filter.states.delete(state)) filter.states.add(state);
        refilter();
      },
    }, stateOf(STATES[state], stateWord(state)), count(counts[state]));
    onFilter.push(() => button.setAttribute("aria-pressed", String(filter.states.has(state))));
    return button;
  });
}

/** Light, dark, or as the system has it. */
function themes() {
  const root = document.documentElement;
  const remembered = (() => { try { return localStorage.getItem("entourage-theme"); } catch { return null; } })();
  const buttons = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]].map(([theme, word]) =>
    el("button", { type: "button", "data-theme": theme, click: () => use(theme) }, word));
  const use = (theme) => {
    root.dataset.theme = theme;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.theme === theme)));
    try { localStorage.setItem("entourage-theme", theme); } catch { /* A page may not be let to keep anything. */ }
    onTheme.forEach((told) => told());
  };
  use(remembered === "light" || remembered === "dark" ? remembered : "auto");
  return el("div", { class: "themes", role: "group", "aria-label": "Colours" }, buttons);
}

const onTheme = [];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => onTheme.forEach((told) => told()));

function drawBar() {
  const sections = [["failures", "Failures"], ["graph", "Graph"], ["timeline", "Timeline"], ["path", "Critical path"],
    ["nodes", "Nodes"], ["compare", "Run before"], ["parameters", "Parameters"], ["versions", "Versions"]];
  const links = sections.filter(([id]) => !byId(id).hidden).map(([id, word]) => el("li", {}, el("a", { href: "#" + id }, word)));
  fill(byId("links"), links);
  if (N === 0) { byId("filter").hidden = true; return; }
  const text = el("input", {
    type: "search", placeholder: "Find nodes", "aria-label": "Find nodes by name", spellcheck: "false", autocomplete: "off",
    input: () => { filter.text = text.value; refilter(); },
    keydown: (event) => {
      if (event.key === "Enter") { event.preventDefault(); chooseNext(event.shiftKey ? -1 : 1, text); }
      if (event.key === "Escape" && text.value !== "") { text.value = ""; filter.text = ""; refilter(); event.stopPropagation(); }
    },
  });
  const tags = new Map();
  nodes.tags.forEach((own) => own.forEach((tag) => tags.set(tag, (tags.get(tag) ?? 0) + 1)));
  const byName = [...tags].sort((a, b) => (texts[a[0]] < texts[b[0]] ? -1 : 1));
  const tag = tags.size > 0 && el("select", { "aria-label": "Show nodes by tag", change: () => { filter.tag = tag.value; refilter(); } },
    el("option", { value: "" }, "All tags"),
    byName.slice(0, 1000).map(([at, number]) => el("option", { value: at }, middle(texts[at], 40) + " (" + count(number) + ")")));
  const matches = el("output", { "aria-live": "polite" });
  onFilter.push(() => { matches.textContent = isFiltered() ? count(passing) + " of " + count(N) : ""; });
  fill(byId("filter"), text, tag, matches);
}

/** Chooses the next node that the filter lets through. */
function chooseNext(step, from) {
  if (passing === 0) return say("No node matches");
  let node = chosen ?? (step > 0 ? -1 : N);
  do node = (node + step + N) % N; while (!passes[node]);
  choose(node, from);
}
