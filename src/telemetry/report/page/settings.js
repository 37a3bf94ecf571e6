// What the run was given: parameters and versions.

function drawSettings() {
  fill(byId("parameters"), titled("parameters", "Parameters"),
    run.parameters.length === 0 ? el("p", { class: "empty" }, "No node reads a parameter.") : pairTable("parameters", ["Parameter", "Value"], run.parameters));
  const versions = [
    run.save_version !== null && ["saved under", run.save_version],
    ...run.load_versions.map(([name, version]) => ["loaded of " + name, version]),
    data.recorded_by !== null && ["entourage, which recorded the run", data.recorded_by],
    ["entourage, which wrote this report", data.entourage],
  ].filter(Boolean);
  fill(byId("versions"), titled("versions", "Versions"), pairTable("versions", ["What", "Version"], versions));
  fill(byId("foot"), el("p", {}, `Written ${moment(data.written)} by entourage ${data.entourage} from ${plural(run.events, "event")} of the run. `,
    data.logs_left_out > 0 && `The logs of ${plural(data.logs_left_out, "node")} are left out; they are in the run's folder, in nodes/.`));
}

function pairTable(section, heads, rows) {
  return el("table", { class: "values", "aria-labelledby": section + "-title" }, el("thead", {}, el("tr", {}, heads.map((word) => el("th", { scope: "col" }, word)))),
    el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("td", {}, nameOf(name)), el("td", {}, valueOf(value))))));
}
