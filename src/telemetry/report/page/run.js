// The run: the data of the page, and what follows from it. A node is a number here,
// its place in every list of `nodes`.

const data = JSON.parse(byId("data").textContent);
const { run, nodes, attempts, transfers, texts, lanes, previous } = data;
const N = nodes.name.length;

const STATES = [
  { key: "never", word: "never started" }, { key: "running", word: "running" }, { key: "retrying", word: "retrying" },
  { key: "done", word: "done" }, { key: "kept", word: "up to date" }, { key: "failed", word: "failed" },
  { key: "skipped", word: "skipped" }, { key: "cancelled", word: "cancelled" },
];
const [NEVER, RUNNING, RETRYING, DONE, KEPT, FAILED, SKIPPED, CANCELLED] = STATES.keys();
/** From what has to be seen to what need not be. */
const BY_WEIGHT = [FAILED, RUNNING, RETRYING, CANCELLED, SKIPPED, NEVER, DONE, KEPT];
const isInterrupted = run.end === null;
const took = run.took;

const nodeState = (node) => STATES[nodes.state[node]];
/** The word for a node's state: in a run that was interrupted nothing runs. */
const nodeWord = (node) => (nodes.state[node] === RUNNING && isInterrupted ? "interrupted" : nodeState(node).word);
const stateWord = (state) => (state === RUNNING && isInterrupted ? "interrupted" : STATES[state].word);

/** For each of `size` owners, what is its own. */
function listed(size, owners) {
  const lists = new Array(size);
  owners.forEach((owner, at) => { (lists[owner] ??= []).push(at); });
  return (owner) => lists[owner] ?? [];
}

const attemptsOf = listed(N, attempts.node);
const transfersOf = listed(N, transfers.node);
const lastAttempt = (node) => attemptsOf(node).at(-1);
/** How long an attempt took; one that was interrupted, until the last event. */
const ranOf = (attempt) => attempts.ran[attempt] ?? Math.max(0, took - attempts.began[attempt]);
const ran = (node) => { const last = lastAttempt(node); return last === undefined ? null : ranOf(last); };
/** The same in words: what was interrupted may have gone on after the last event. */
const ranTold = (attempt) => duration(ranOf(attempt)) + (attempts.ran[attempt] === null ? " or more" : "");
const nodeRanTold = (node) => { const last = lastAttempt(node); return last === undefined ? duration(null) : ranTold(last); };
const queued = (node) => { const last = lastAttempt(node); return last === undefined ? null : attempts.queued[last]; };
const began = (node) => { const last = lastAttempt(node); return last === undefined ? null : attempts.began[last]; };

const feeds = (() => {
  const lists = new Array(N);
  nodes.needs.forEach((needs, node) => needs.forEach((need) => (lists[need] ??= []).push(node)));
  return (node) => lists[node] ?? [];
})();
const producers = new Map();
nodes.outputs.forEach((outputs, node) => outputs.forEach((dataset) => producers.set(dataset, node)));
const readers = new Map();
nodes.inputs.forEach((inputs, node) => inputs.forEach((dataset) => {
  if (!readers.has(dataset)) readers.set(dataset, []);
  readers.get(dataset).push(node);
}));

/** How many nodes have to be done before it, at most one after the other. Nodes are
 *  in an order in which they can run. */
const depth = new Int32Array(N);
for (let node = 0; node < N; node += 1) {
  for (const need of nodes.needs[node]) if (need < node) depth[node] = Math.max(depth[node], depth[need] + 1);
}

const criticalPath = data.critical_path;
const isCritical = new Uint8Array(N);
criticalPath.forEach((node) => { isCritical[node] = 1; });
const failureOf = new Map(data.failures.map((failure) => [failure.node, failure]));
/** Why attempts failed that were not the last: by attempt. */
const retriedFor = new Map(data.retried);
const logOf = new Map(data.logs.map((log) => [log.node, log]));

const counts = new Array(STATES.length).fill(0);
nodes.state.forEach((state) => { counts[state] += 1; });

const namespaceOf = (node) => (nodes.namespace[node] === null ? null : texts[nodes.namespace[node]]);
/** The name without the namespace before it. */
function localName(node) {
  const [name, namespace] = [nodes.name[node], namespaceOf(node)];
  return namespace !== null && name.startsWith(namespace + ".") ? name.slice(namespace.length + 1) : name;
}
