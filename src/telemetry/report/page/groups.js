// More nodes than can be drawn are drawn as groups: by namespace, where there is
// none by tag, else by their place in the order. A group opens into smaller ones,
// in the end into nodes.

/** So many nodes are drawn as they are. */
const FLAT = 2000;
/** So many nodes of a group are, and so many groups at once. */
const PART = 300;
const PARTS = 120;

const everything = { label: "All nodes", members: Array.from({ length: N }, (_, node) => node), parent: null, space: "", isFlat: false };
everything.isFlat = N <= FLAT;

/** What a group is drawn as: nodes and smaller groups. */
function partsOf(group) {
  if (group.items !== undefined) return group.items;
  const { members } = group;
  const parts = group.isFlat || members.length <= PART ? null : [bySpace, byTag, byDepth, inRows].map((by) => by(group)).find((parts) => parts !== null);
  group.items = parts === null ? members.map((node) => ({ node })) : parts.map((part) => (part.members.length === 1 ? { node: part.members[0] } : { group: { ...part, parent: group, isFlat: false } }));
  group.itemOf = new Map();
  group.items.forEach((item, at) => (item.group?.members ?? [item.node]).forEach((node) => group.itemOf.set(node, at)));
  return group.items;
}

/** The members by what `keyOf` gives of each, in the order they come in; `null` if
 *  that does not divide them. */
function divided(members, keyOf) {
  const parts = new Map();
  for (const node of members) {
    const key = keyOf(node);
    if (!parts.has(key)) parts.set(key, []);
    parts.get(key).push(node);
  }
  return parts.size < 2 ? null : parts;
}

/** Groups of neighbours, where there are more than can be drawn. */
function gathered(parts, space) {
  const all = [...parts].map(([label, members]) => ({ label, members, space: space(label) }));
  if (all.length <= PARTS) return all;
  const each = Math.ceil(all.length / PARTS);
  return Array.from({ length: Math.ceil(all.length / each) }, (_, at) => {
    const some = all.slice(at * each, (at + 1) * each);
    if (some.length === 1) return some[0];
    return { label: some[0].label + " … " + some.at(-1).label, members: some.flatMap((part) => part.members), space: space(null) };
  });
}

/** The innermost namespace that all members are in; each is in some. */
function commonSpace(members) {
  const common = namespaceOf(members[0]).split(".");
  for (const node of members) {
    const own = namespaceOf(node).split(".");
    const apart = common.findIndex((part, at) => part !== own[at]);
    if (apart >= 0) common.length = apart;
  }
  return common.join(".");
}

function bySpace({ members, space }) {
  const before = space === "" ? 0 : space.length + 1;
  const keyOf = (node) => {
    const own = namespaceOf(node);
    return own === null || own.length < before ? null : own.slice(before).split(".")[0];
  };
  const without = members.filter((node) => keyOf(node) === null).length;
  const parts = without * 2 > members.length ? null : divided(members, (node) => keyOf(node) ?? "");
  if (parts === null) {
    // All are in one namespace: what is inside it counts.
    const only = members.length > 0 && without === 0 ? commonSpace(members) : space;
    return only === space ? null : bySpace({ members, space: only });
  }
  const inside = (label) => (label === null || label === "" || label.startsWith("(") ? space : space === "" ? label : space + "." + label);
  return gathered(new Map([...parts].map(([key, some]) => [key === "" ? "(no namespace)" : key, some])), inside);
}

function byTag({ members, parent, space }) {
  if (parent !== null) return null;
  const tagged = members.filter((node) => nodes.tags[node].length > 0).length;
  if (tagged * 2 < members.length) return null;
  const parts = divided(members, (node) => (nodes.tags[node].length > 0 ? "tag " + texts[nodes.tags[node][0]] : "(no tag)"));
  return parts === null ? null : gathered(parts, () => space);
}

function byDepth({ members, space }) {
  const layers = divided([...members].sort((a, b) => depth[a] - depth[b] || a - b), (node) => depth[node]);
  if (layers === null) return null;
  // Neighbouring layers together, until there are few enough of like size.
  const size = Math.max(1, Math.ceil(members.length / 40));
  const parts = [];
  for (const [layer, some] of layers) {
    const last = parts.at(-1);
    if (last !== undefined && last.members.length + some.length <= size) { last.members = last.members.concat(some); last.to = layer; }
    else parts.push({ from: layer, to: layer, members: some });
  }
  if (parts.length < 2) return null;
  return gathered(new Map(parts.map(({ from, to, members }) => [from === to ? "step " + (from + 1) : "steps " + (from + 1) + "–" + (to + 1), members])), () => space);
}

function inRows({ members, space }) {
  const each = Math.max(PART, Math.ceil(members.length / PARTS));
  return Array.from({ length: Math.ceil(members.length / each) }, (_, at) => {
    const some = members.slice(at * each, (at + 1) * each);
    return { label: middle(nodes.name[some[0]], 24) + " … " + middle(nodes.name[some.at(-1)], 24), members: some, space };
  });
}

/** The group that is drawn when a node is to be seen itself. */
function groupOf(node) {
  let group = everything;
  for (;;) {
    const items = partsOf(group);
    const item = items[group.itemOf.get(node)];
    if (item.group === undefined) return group;
    group = item.group;
  }
}

/** How many of the members are in which state. */
function countsOf(group) {
  if (group.counts === undefined) {
    group.counts = new Array(STATES.length).fill(0);
    group.members.forEach((node) => { group.counts[nodes.state[node]] += 1; });
  }
  return group.counts;
}

/** What is drawn of a group: its parts, what of the rest they are joined to, and
 *  the edges between them, by place in the list. */
function sceneOf(group) {
  const items = partsOf(group).map((item) => ({ ...item, ghost: false }));
  const ghosts = new Map();
  const placeOf = (node) => {
    const inside = group.itemOf.get(node);
    if (inside !== undefined) return inside;
    for (let outer = group.parent; outer !== null; outer = outer.parent) {
      const at = outer.itemOf.get(node);
      if (at === undefined) continue;
      const item = outer.items[at];
      if (!ghosts.has(item)) {
        if (ghosts.size >= 40) return undefined;
        ghosts.set(item, items.length);
        items.push({ ...item, ghost: true });
      }
      return ghosts.get(item);
    }
    return undefined;
  };
  const edges = new Map();
  const join = (from, to) => {
    const [a, b] = [placeOf(from), placeOf(to)];
    if (a === undefined || b === undefined || a === b) return;
    const critical = isCritical[from] && isCritical[to] && criticalNeed(to) === from;
    const key = a * 1e6 + b;
    edges.set(key, { a, b, critical: critical || edges.get(key)?.critical === true });
  };
  for (const node of group.members) {
    for (const need of nodes.needs[node]) join(need, node);
    for (const reader of feeds(node)) if (!group.itemOf.has(reader)) join(node, reader);
  }
  return { items, edges: [...edges.values()] };
}

const beforeOnPath = new Map();
criticalPath.forEach((node, at) => { if (at > 0) beforeOnPath.set(node, criticalPath[at - 1]); });
const criticalNeed = (node) => beforeOnPath.get(node);
