// All about the node that is chosen.

function drawDetail() {
  const panel = byId("detail");
  let back = null;

  onChosen.push((node, from) => {
    if (from !== undefined && from !== null) back = from;
    const isOpen = node !== null;
    panel.hidden = !isOpen;
    byId("columns").classList.toggle("open", isOpen);
    if (!isOpen) { fill(panel); if (back?.isConnected) back.focus({ preventScroll: true }); back = null; history.replaceState(null, "", location.href.split("#", 1)[0]); return; }
    fill(panel, content(node));
    panel.scrollTop = 0;
    // So that a link to the report can lead to the node.
    history.replaceState(null, "", "#node=" + encodeURIComponent(nodes.name[node]));
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen !== null) choose(null);
  });

  function content(node) {
    const failure = failureOf.get(node);
    const log = logView(node, true);
    const shownIn = (id, word) => el("button", { type: "button", click: () => byId(id).scrollIntoView({ block: "start" }) }, word);
    const last = lastAttempt(node);
    // Each attempt that failed and was tried again has its reason beside it.
    const isTold = nodes.state[node] !== FAILED && nodes.attempts[node] > 1 && attemptsOf(node).some((at) => retriedFor.has(at));
    const facts = [
      ["State", stateOf(nodeState(node), nodeWord(node))],
      nodes.skipped_by[node] !== null && ["Skipped by", nodeButton(nodes.skipped_by[node])],
      last !== undefined && ["Ran", [nodeRanTold(node), took > 0 && el("span", { class: "soft" }, ` ${percent(ran(node) / took)} of the run`)]],
      last !== undefined && ["Queued", duration(queued(node))],
      last !== undefined && ["Began", "after " + duration(began(node))],
      last !== undefined && ["Worker", nameOf(lanes[attempts.lane[last]])],
      previous !== null && previous.state[node] !== null && ["Run before", before(node)],
      nodes.rows[node] !== null && ["Rows", count(nodes.rows[node])],
      nodes.bytes_loaded[node] !== null && ["Loaded", size(nodes.bytes_loaded[node])],
      nodes.bytes_saved[node] !== null && ["Saved", size(nodes.bytes_saved[node])],
      isCritical[node] && ["Critical path", `step ${count(criticalPath.indexOf(node) + 1)} of ${count(criticalPath.length)}`],
      namespaceOf(node) !== null && ["Namespace", nameOf(namespaceOf(node))],
      nodes.tags[node].length > 0 && ["Tags", nodes.tags[node].flatMap((tag, at) => [at > 0 ? ", " : "", nameOf(texts[tag])])],
      texts[nodes.function[node]] !== "" && ["Function", nameOf(texts[nodes.function[node]])],
    ].filter(Boolean);
    return [
      el("header", {}, el("h2", { id: "detail-title" }, shown(nodes.name[node])),
        el("button", { type: "button", "aria-label": "Close the details", title: "Close (Escape)", click: () => choose(null) }, "✕")),
      el("dl", { class: "pairs" }, facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      el("div", { class: "tools" }, shownIn("graph", "Graph"), last !== undefined && shownIn("timeline", "Timeline"), shownIn("nodes", "Table")),
      failure !== undefined && !isTold && [el("h3", {}, nodes.state[node] === FAILED ? "Why it failed" : "Why an attempt failed"), causeView(failure)],
      nodes.attempts[node] > 1 && [el("h3", {}, "Attempts"), attemptTable(node)],
      datasets(node, nodes.inputs[node], "Reads", true),
      datasets(node, nodes.outputs[node], "Writes", false),
      log !== null && [el("h3", {}, "Log"), log],
    ];
  }

  function before(node) {
    const was = stateOf(STATES[previous.state[node]]);
    if (previous.ran[node] === null) return was;
    return [was, ", ran ", duration(previous.ran[node]), ran(node) !== null && [" (", changeOf(ran(node) - previous.ran[node], previous.ran[node]), ")"]];
  }

  function attemptTable(node) {
    const outcomeOf = (at) => (attempts.ran[at] === null ? stateOf(STATES[RUNNING], stateWord(RUNNING)) : attempts.outcome[at] === RETRYING ? stateOf(STATES[RETRYING], "failed, tried again") : stateOf(STATES[attempts.outcome[at]]));
    return el("table", { "aria-label": "Attempts" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "No."), el("th", { scope: "col" }, "State"), el("th", { scope: "col", class: "number" }, "Queued"), el("th", { scope: "col", class: "number" }, "Ran"))),
      el("tbody", {}, attemptsOf(node).slice(-100).map((at) => el("tr", {}, el("td", {}, attempts.number[at]), el("td", {}, outcomeOf(at), retriedFor.has(at) && causeView(retriedFor.get(at))), el("td", { class: "number" }, duration(attempts.queued[at])), el("td", { class: "number" }, ranTold(at))))));
  }

  function datasets(node, names, title, isRead) {
    if (names.length === 0) return null;
    const most = 100;
    const moved = transfersOf(node).filter((at) => Boolean(transfers.is_load[at]) === isRead);
    return [el("h3", {}, title), el("ul", { class: "data" },
      names.slice(0, most).map((dataset) => {
        const own = moved.filter((at) => transfers.dataset[at] === dataset).map(transferView);
        const others = isRead ? (producers.has(dataset) ? [producers.get(dataset)] : []) : readers.get(dataset) ?? [];
        const joined = others.length > 0 && el("div", { class: "soft" }, isRead ? "from " : "to ", some(others, 4));
        return el("li", {}, nameOf(texts[dataset]), own, joined);
      }), names.length > most && el("li", { class: "soft" }, plural(names.length - most, "other")))];
  }

  function transferView(at) {
    const parts = [transfers.rows[at] !== null && plural(transfers.rows[at], "row"), transfers.bytes[at] !== null && size(transfers.bytes[at])].filter(Boolean);
    const told = `${transfers.is_load[at] ? "loaded" : "saved"} in ${duration(transfers.took[at])}${parts.length > 0 ? ": " + parts.join(", ") : ""}`;
    return transfers.error[at] === null ? el("div", { class: "soft" }, told) : el("div", { class: "message" }, shown(transfers.error[at]));
  }
}
