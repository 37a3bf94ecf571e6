// The timeline: a lane for each worker, a bar for each attempt, and above them how
// many nodes were ready and had to wait. It is a drawing; by keyboard it goes from
// attempt to attempt and says each, and the table of nodes has the same in words.

function drawTimeline() {
  const section = byId("timeline");
  const A = attempts.node.length;
  if (A === 0) {
    if (N === 0) section.hidden = true;
    else fill(section, titled("timeline", "Timeline"), el("p", { class: "empty" }, "No node was begun."));
    return;
  }
  const end = Math.max(1, took, ...Array.from({ length: Math.ceil(A / 1000) }, (_, at) => rangeMax(at * 1000, Math.min(A, at * 1000 + 1000))));
  function rangeMax(from, to) { let most = 0; for (let at = from; at < to; at += 1) most = Math.max(most, attempts.began[at] + ranOf(at)); return most; }
  const used = [...new Set(attempts.lane)].sort((a, b) => lanes[a].localeCompare(lanes[b], "en", { numeric: true }));
  const rowOf = new Map(used.map((lane, row) => [lane, row]));
  const rows = used.length;
  const byLane = used.map(() => []);
  for (let at = 0; at < A; at += 1) byLane[rowOf.get(attempts.lane[at])].push(at);
  byLane.forEach((list) => list.sort((a, b) => attempts.began[a] - attempts.began[b]));
  const waiting = waitingCurve();
  const laneHeight = Math.max(8, Math.min(26, Math.floor(520 / rows)));
  const [AXIS, WAIT] = [24, 38];
  const height = Math.min(8000, AXIS + WAIT + rows * laneHeight + 8);
  const moved = listed(A, transfers.node.map((node, at) => attemptsOf(node).find((attempt) => attempts.number[attempt] === transfers.attempt[at]) ?? A));

  const canvas = el("canvas", { "aria-hidden": "true" });
  const frame = el("div", {
    class: "canvas", tabindex: "0", role: "application", "aria-roledescription": "timeline",
    "aria-label": `Timeline of ${plural(A, "attempt")} on ${plural(rows, "worker")}. Left and right go along a worker's lane, up and down to another, Enter shows the node, plus and minus zoom.`,
    keydown: pressed, click: clicked, pointermove: pointed, pointerleave: () => { tip.hidden = true; },
    focus: () => { if (frame.matches(":focus-visible")) go(cursor ?? attemptOf(chosen) ?? byLane[0][0]); },
  }, canvas);
  frame.style.height = height + 2 + "px";
  const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const moves = movable(frame, { changed: () => paint(), least: () => 1, most: () => Math.max(50, end / 2000), flat: true });
  fill(section,
    titled("timeline", "Timeline", null, viewTools("timeline", moves, () => moves.set({ x: 0, k: 1 }))), frame, tip,
    el("p", { class: "legend", "aria-hidden": "true" }, legend("of-wait", "nodes ready and waiting"), legend("of-path", "critical path"), transfers.node.length > 0 && [legend("of-load", "load"), legend("of-save", "save")], hatched(), el("span", {}, "drag to move, ctrl + wheel to zoom")),
    transfers.left_out > 0 && el("p", { class: "meta" }, `${plural(transfers.left_out, "load or save", "loads and saves")} that took least are left out of this report; all are in events.jsonl.`),
    shares());

  let cursor = null;
  let palette = null;
  const gutter = () => (rows > 30 && isNarrow.matches ? 0 : isNarrow.matches ? 60 : 128);
  const width = () => frame.clientWidth;
  /** Where a moment is, in pixels. */
  const xOf = (time) => gutter() + moves.view.x + (time / end) * (width() - gutter() - 8) * moves.view.k;
  const timeOf = (x) => ((x - gutter() - moves.view.x) / ((width() - gutter() - 8) * moves.view.k)) * end;

  function colours() {
    if (palette !== null) return palette;
    const probe = el("span", {});
    frame.append(probe);
    const read = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
    palette = Object.fromEntries(["page", "panel", "ink", "soft", "line", "edge", "accent", "load", "save", "critical", "done-bar", "kept-bar", ...STATES.map((state) => state.key)].map((name) => [name, read(name)]));
    probe.remove();
    return palette;
  }

  function paint() {
    const { view } = moves;
    const inner = width() - gutter() - 8;
    if (inner <= 0) return;
    view.x = Math.min(0, Math.max(inner * (1 - view.k), view.x));
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width() * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width() * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = width() + "px";
      canvas.style.height = height + "px";
    }
    const c = canvas.getContext("2d");
    const colour = colours();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width(), height);
    const fonts = getComputedStyle(document.body).fontFamily;
    c.textBaseline = "middle";
    axis(c, colour, fonts);
    c.save();
    c.beginPath();
    c.rect(gutter(), 0, width() - gutter(), height);
    c.clip();
    queue(c, colour);
    for (let row = 0; row < rows; row += 1) lane(c, colour, fonts, row);
    if (run.cancelled_at !== null) marker(c, colour.cancelled, run.cancelled_at);
    c.restore();
    names(c, colour, fonts);
  }

  function axis(c, colour, fonts) {
    const step = niceStep(((end / moves.view.k) * 90) / Math.max(200, width() - gutter()));
    c.font = "11px " + fonts;
    c.strokeStyle = colour.line;
    c.fillStyle = colour.soft;
    c.lineWidth = 1;
    for (let time = Math.max(0, Math.floor(timeOf(gutter()) / step) * step); time <= end; time += step) {
      const x = xOf(time);
      if (x < gutter() - 1 || x > width()) { if (x > width()) break; continue; }
      c.beginPath();
      c.moveTo(Math.round(x) + 0.5, AXIS - 4);
      c.lineTo(Math.round(x) + 0.5, height);
      c.stroke();
      const text = duration(time);
      if (x + c.measureText(text).width + 4 < width()) c.fillText(text, x + 3, 10);
    }
  }

  function queue(c, colour) {
    const most = Math.max(1, waiting.most);
    const y = (number) => AXIS + WAIT - 6 - (number / most) * (WAIT - 14);
    c.fillStyle = colour.edge;
    c.beginPath();
    c.moveTo(xOf(0), y(0));
    // What is drawn, where, and what it is by now.
    let [last, lastX, now] = [0, -Infinity, 0];
    const settle = () => {
      if (now === last) return;
      c.lineTo(lastX + 0.5, y(last));
      c.lineTo(lastX + 0.5, y(now));
      last = now;
    };
    for (const [time, number] of waiting.steps) {
      const x = xOf(time);
      // Of several within half a pixel the highest is seen, and the last goes on.
      if (x - lastX < 0.5 && number <= last) { now = number; continue; }
      if (x - lastX >= 0.5) settle();
      c.lineTo(x, y(last));
      c.lineTo(x, y(number));
      [last, lastX, now] = [number, x, number];
    }
    settle();
    c.lineTo(xOf(end), y(last));
    c.lineTo(xOf(end), y(0));
    c.fill();
    c.fillStyle = colour.line;
    c.fillRect(gutter(), AXIS + WAIT - 6, width(), 1);
  }

  function lane(c, colour, fonts, row) {
    const top = AXIS + WAIT + row * laneHeight;
    const tall = laneHeight - 4;
    const list = byLane[row];
    let lastEnd = -Infinity;
    let at = firstFrom(list, timeOf(gutter()));
    for (; at < list.length; at += 1) {
      const attempt = list[at];
      const x = xOf(attempts.began[attempt]);
      if (x > width()) break;
      const wide = xOf(attempts.began[attempt] + ranOf(attempt)) - x;
      const node = attempts.node[attempt];
      const isChosen = node === chosen;
      // What would be drawn over what is there already is not seen.
      if (x + wide - lastEnd < 0.4 && !isChosen && attempts.outcome[attempt] === DONE) continue;
      lastEnd = x + wide;
      const shownWide = Math.max(1, wide - (wide > 3 ? 0.75 : 0));
      c.globalAlpha = isFiltered() && !passes[node] ? 0.16 : 1;
      const key = STATES[attempts.outcome[attempt]].key;
      const fill = colour[key + "-bar"] ?? colour[key];
      c.fillStyle = fill;
      c.fillRect(x, top, shownWide, tall);
      if (attempts.outcome[attempt] !== DONE) hatch(c, colour.panel, x, top, shownWide, tall);
      if (wide > 2) for (const transfer of moved(attempt)) {
        const from = xOf(transfers.began[transfer]);
        const long = Math.max(0.75, xOf(transfers.began[transfer] + transfers.took[transfer]) - from);
        c.fillStyle = colour.panel;
        c.fillRect(from, top + tall - Math.max(3, tall * 0.32) - 1, long, Math.max(3, tall * 0.32) + 1);
        c.fillStyle = transfers.is_load[transfer] ? colour.load : colour.save;
        c.fillRect(from, top + tall - Math.max(3, tall * 0.32), long, Math.max(3, tall * 0.32));
      }
      if (isCritical[node] && attempt === lastAttempt(node)) {
        c.fillStyle = colour.critical;
        c.fillRect(x, top - 2.5, shownWide, 2.5);
      }
      if (isChosen || attempt === cursor) {
        waitOf(c, colour, attempt, top + tall / 2);
        c.strokeStyle = isChosen ? colour.accent : colour.ink;
        c.lineWidth = 2;
        c.strokeRect(x - 1, top - 1, shownWide + 2, tall + 2);
      }
      if (wide > 34 && tall >= 14) label(c, fill, colour[key + "-bar"] === undefined ? colour.panel : colour.ink, fonts, node, Math.max(x, gutter()), top, x + wide - Math.max(x, gutter()), tall);
      c.globalAlpha = 1;
    }
  }

  /** How long the node was ready before, as a line that leads to its bar. */
  function waitOf(c, colour, attempt, y) {
    const [from, to] = [xOf(attempts.began[attempt] - attempts.queued[attempt]), xOf(attempts.began[attempt])];
    if (to - from < 1) return;
    c.strokeStyle = colour.accent;
    c.lineWidth = 1.5;
    c.setLineDash([3, 2]);
    c.beginPath();
    c.moveTo(from, y - 5); c.lineTo(from, y + 5); c.moveTo(from, y); c.lineTo(to, y);
    c.stroke();
    c.setLineDash([]);
  }

  function label(c, behind, colour, fonts, node, x, top, room, tall) {
    c.font = "600 11px " + fonts;
    const most = Math.floor((room - 10) / 6.4);
    if (most < 3) return;
    const text = middle(localName(node), most);
    // Loads, saves and stripes are not to be read through.
    c.fillStyle = behind;
    c.fillRect(x + 2, top + 1, Math.min(room - 4, c.measureText(text).width + 6), Math.min(14, tall - 2));
    c.fillStyle = colour;
    c.fillText(text, x + 5, top + Math.min(tall / 2, 8), room - 8);
  }

  function names(c, colour, fonts) {
    if (gutter() === 0) return;
    c.font = "11px " + fonts;
    c.fillStyle = colour.soft;
    const text = (name) => middle(name, isNarrow.matches ? 9 : 18);
    c.fillText(isNarrow.matches ? `wait ≤ ${count(waiting.most)}` : `waiting, up to ${count(waiting.most)}`, 8, AXIS + WAIT / 2 + 2);
    if (laneHeight < 11) return;
    used.forEach((lane, row) => c.fillText(text(lanes[lane]), 8, AXIS + WAIT + row * laneHeight + laneHeight / 2 - 2));
  }

  function marker(c, colour, time) {
    c.strokeStyle = colour;
    c.lineWidth = 1.5;
    c.setLineDash([4, 3]);
    c.beginPath();
    c.moveTo(xOf(time), AXIS); c.lineTo(xOf(time), height);
    c.stroke();
    c.setLineDash([]);
  }

  const attemptOf = (node) => (node === null ? undefined : lastAttempt(node));

  function found(event) {
    const box = frame.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - 1, event.clientY - box.top - 1 + frame.scrollTop];
    const list = byLane[Math.floor((y - AXIS - WAIT + 2) / laneHeight)];
    if (list === undefined || x < gutter()) return null;
    const time = timeOf(x);
    const slack = Math.abs(timeOf(x + 2) - time);
    let best = null;
    for (let at = firstFrom(list, time - slack); at < list.length && attempts.began[list[at]] <= time + slack; at += 1) {
      const [from, to] = [attempts.began[list[at]], attempts.began[list[at]] + ranOf(list[at])];
      const away = time < from ? from - time : time > to ? time - to : 0;
      if (away <= slack && (best === null || away < best.away)) best = { away, attempt: list[at] };
    }
    return best?.attempt ?? null;
  }

  /** The first of a lane that ends at or after a moment. A lane's attempts follow
   *  each other, but for those that were given up. */
  function firstFrom(list, time) {
    let [low, high] = [0, list.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (attempts.began[list[half]] < time) low = half + 1;
      else high = half;
    }
    return Math.max(0, low - 2);
  }

  function clicked(event) {
    const attempt = found(event);
    if (attempt === null) return;
    cursor = attempt;
    choose(attempts.node[attempt], frame);
    paint();
  }

  function pointed(event) {
    const attempt = event.buttons === 0 ? found(event) : null;
    tip.hidden = attempt === null;
    frame.style.cursor = attempt === null ? "" : "pointer";
    if (attempt === null) return;
    fill(tip, nameOf(middle(nodes.name[attempts.node[attempt]], 80)), el("div", {}, wordsOf(attempt)));
    const [wide, tall] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = Math.max(4, Math.min(innerWidth - wide - 4, event.clientX + 14)) + "px";
    tip.style.top = (event.clientY + tall + 24 > innerHeight ? event.clientY - tall - 10 : event.clientY + 16) + "px";
  }

  function wordsOf(attempt) {
    const number = nodes.attempts[attempts.node[attempt]] > 1 ? `attempt ${attempts.number[attempt]}, ` : "";
    const end = attempts.ran[attempt] === null ? "not ended" : attempts.outcome[attempt] === RETRYING ? "failed, was tried again" : STATES[attempts.outcome[attempt]].word;
    return `${number}${end}, ran ${ranTold(attempt)} from ${duration(attempts.began[attempt])}, waited ${duration(attempts.queued[attempt])}`;
  }

  function go(attempt) {
    cursor = attempt;
    const row = rowOf.get(attempts.lane[attempt]);
    say(`${shown(nodes.name[attempts.node[attempt]])}, on ${shown(lanes[attempts.lane[attempt]])}: ${wordsOf(attempt)}`);
    reveal(attempt);
    const top = AXIS + WAIT + row * laneHeight;
    if (top < frame.scrollTop + AXIS || top + laneHeight > frame.scrollTop + frame.clientHeight) frame.scrollTop = top - frame.clientHeight / 2;
    paint();
  }

  function reveal(attempt) {
    const [x, to] = [xOf(attempts.began[attempt]), xOf(attempts.began[attempt] + ranOf(attempt))];
    if (to < gutter() + 8 || x > width() - 8) moves.move(gutter() + (width() - gutter()) / 2 - x, 0);
  }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    const row = cursor === null ? 0 : rowOf.get(attempts.lane[cursor]);
    const list = byLane[row];
    const at = cursor === null ? 0 : list.indexOf(cursor);
    if (key === "ArrowRight" || key === "ArrowLeft") go(list[Math.max(0, Math.min(list.length - 1, at + (key === "ArrowRight" ? 1 : -1)))]);
    else if (key === "Home" || key === "End") go(key === "Home" ? list[0] : list.at(-1));
    else if (key === "ArrowUp" || key === "ArrowDown") {
      const other = byLane[row + (key === "ArrowDown" ? 1 : -1)];
      if (other !== undefined) go(other[Math.min(other.length - 1, firstFrom(other, attempts.began[cursor ?? list[0]]))]);
    } else if ((key === "Enter" || key === " ") && cursor !== null) choose(attempts.node[cursor], frame);
    else if (key === "+" || key === "=") { moves.zoomBy(1.4); if (cursor !== null) reveal(cursor); }
    else if (key === "-") moves.zoomBy(1 / 1.4);
    else if (key === "0") moves.set({ x: 0, k: 1 });
    else return;
    event.preventDefault();
  }

  /** How many nodes were ready and had no worker, over time. */
  function waitingCurve() {
    const changes = [];
    for (let at = 0; at < A; at += 1) {
      if (attempts.queued[at] > 0) changes.push([attempts.began[at] - attempts.queued[at], 1], [attempts.began[at], -1]);
    }
    changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    let [number, most] = [0, 0];
    const steps = changes.map(([time, change]) => { number += change; most = Math.max(most, number); return [time, number]; });
    return { steps, most };
  }

  onFilter.push(paint);
  onTheme.push(() => { palette = null; paint(); });
  onChosen.push((node) => {
    const attempt = attemptOf(node);
    if (attempt !== undefined) { cursor = attempt; reveal(attempt); }
    paint();
  });
  new ResizeObserver(paint).observe(frame);
  addEventListener("beforeprint", () => { palette = null; paint(); });
}

/** What the striped bars are, of those that there are. */
function hatched() {
  const words = [[RETRYING, "attempt that failed and was followed by another"], [FAILED, "attempt that failed"], [CANCELLED, "cancelled"], [RUNNING, isInterrupted ? "interrupted" : "running"]];
  const found = new Set(attempts.outcome);
  return words.filter(([state]) => found.has(state)).map(([state, word]) => legend("of-bar " + STATES[state].key, word));
}

/** Stripes across a bar: what is not done differs by more than its colour. */
function hatch(c, colour, x, y, wide, tall) {
  if (wide < 3) return;
  c.save();
  c.beginPath();
  c.rect(x, y, wide, tall);
  c.clip();
  c.strokeStyle = colour;
  c.lineWidth = 1.2;
  c.beginPath();
  const [from, to] = [Math.max(x - tall, -tall), Math.min(x + wide, 10000)];
  for (let at = from; at < to; at += 7) { c.moveTo(at, y + tall); c.lineTo(at + tall, y); }
  c.stroke();
  c.restore();
}

/** 1, 2 or 5 times a power of ten, not below; from a minute on what clocks have. */
function niceStep(nanos) {
  const minute = 60e9;
  const ofClock = [minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, 60 * minute, 180 * minute, 720 * minute, 1440 * minute];
  if (nanos > 30e9) return ofClock.find((step) => step >= nanos) ?? Math.ceil(nanos / (1440 * minute)) * 1440 * minute;
  if (nanos > 10e9) return 30e9;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, nanos)));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= nanos);
}

/** What the workers' time went into. */
function shares() {
  if (run.workers === null || took === 0) return null;
  const had = run.workers * took;
  let [worked, lost, loaded, saved] = [0, 0, 0, 0];
  const failed = new Set();
  for (let at = 0; at < attempts.node.length; at += 1) {
    const hasFailed = attempts.outcome[at] === FAILED || attempts.outcome[at] === RETRYING;
    if (hasFailed) failed.add(attempts.node[at] + ":" + attempts.number[at]);
    if (hasFailed) lost += ranOf(at);
    else worked += ranOf(at);
  }
  // What a failed attempt loaded and saved is lost with it.
  transfers.took.forEach((time, at) => {
    if (failed.has(transfers.node[at] + ":" + transfers.attempt[at])) return;
    if (transfers.is_load[at]) loaded += time; else saved += time;
  });
  const own = Math.max(0, worked - loaded - saved);
  const idle = Math.max(0, had - worked - lost);
  const parts = [["own", "nodes' own work", own], ["load", "loads", loaded], ["save", "saves", saved], ["lost", "attempts that failed", lost], ["idle", "idle", idle]].filter(([, , time]) => time > 0);
  const whole = parts.reduce((sum, [, , time]) => sum + time, 0) || 1;
  const bar = el("div", { class: "shares", "aria-hidden": "true" }, parts.map(([kind, , time]) => { const part = el("span", { class: kind }); part.style.flexGrow = time / whole; return part; }));
  return el("div", { class: "split" }, el("h3", {}, "Where the workers' time went"), bar,
    el("ul", { class: "keys" }, parts.map(([kind, word, time]) => el("li", {}, el("i", { class: kind }), `${word} ${percent(time / whole)}`, el("span", { class: "soft" }, duration(time))))));
}
