// What nodes said, and code to copy.

function logView(node, isOpen) {
  const log = logOf.get(node);
  if (log === undefined) return null;
  const named = el("span", { class: "name" }, shown(log.file));
  if (log.error !== null) return el("p", { class: "meta" }, "Its log ", named, " could not be read: ", shown(log.error));
  if (log.lines.length === 0) return el("p", { class: "meta" }, "Its log is empty.");
  const lines = el("ol", { class: "lines", tabindex: "0", role: "region", "aria-label": "Log of " + nodes.name[node] },
    log.lines.map(([time, level, target, message, rest]) => el("li", { class: level.toLowerCase().replace(/[^a-z]/g, "") || null },
      el("span", { class: "time soft" }, shown(time.slice(11, 23))),
      el("span", { class: "level" }, shown(level)),
      el("span", { title: target === "" ? null : shown(target) }, shown(message), rest !== "" && el("span", { class: "soft" }, (message === "" ? "" : " ") + shown(rest))))));
  const told = log.is_cut ? `Log, the last ${plural(log.lines.length, "line")}; all in ` : `Log, ${plural(log.lines.length, "line")}; also in `;
  const whole = el("details", { class: "log", open: isOpen }, el("summary", {}, told, named), lines);
  // What matters is at its end.
  const toEnd = () => { if (whole.open) lines.scrollTop = lines.scrollHeight; };
  whole.addEventListener("toggle", toEnd);
  requestAnimationFrame(toEnd);
  return whole;
}

/** Code with a button that copies it. */
function codeOf(code) {
  const pre = el("pre", { tabindex: "0", "aria-label": "Code" }, shown(code));
  const button = el("button", {
    type: "button",
    click: async () => {
      try {
        await navigator.clipboard.writeText(code);
        button.textContent = "Copied";
        say("Copied");
      } catch {
        // Then it is chosen, for the person to copy.
        getSelection().selectAllChildren(pre);
        say("Selected");
      }
    },
  }, "Copy");
  return el("div", { class: "code" }, pre, button);
}
