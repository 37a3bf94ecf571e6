// All of it, in the order in which it is seen.

function begin() {
  drawHead();
  drawFailures();
  drawGraph();
  drawTimeline();
  drawPath();
  drawTable();
  drawCompare();
  drawSettings();
  drawBar();
  drawDetail();
  refilter();
  markSection();
  chooseByAddress();
  addEventListener("hashchange", chooseByAddress);
  document.documentElement.dataset.ready = "";
}

/** `#node=…` leads to a node. */
function chooseByAddress() {
  if (!location.hash.startsWith("#node=")) return;
  let name;
  try { name = decodeURIComponent(location.hash.slice(6)); } catch { return; }
  const node = nodes.name.indexOf(name);
  if (node >= 0) choose(node);
}

/** Marks in the bar which section is being read. */
function markSection() {
  const links = new Map([...byId("links").querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    entries.forEach((entry) => { if (entry.isIntersecting) seen.add(entry.target.id); else seen.delete(entry.target.id); });
    const first = [...links.keys()].find((id) => seen.has(id));
    links.forEach((link, id) => { if (id === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); });
  }, { rootMargin: "-90px 0px -55% 0px" });
  links.forEach((_, id) => watch.observe(byId(id)));
}

begin();
