// Elements. Whatever the run's data is, it comes to the page as text: nothing here
// or elsewhere makes markup of it.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

/** An element with attributes (a function is a listener) and children; what is no
 *  element among them is text. */
function el(tag, attributes, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
function draw(tag, attributes, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts children in the place of those that are there. */
function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
}

/** A name out of the data: apart from the direction of the text around it. */
function nameOf(text) {
  return el("span", { class: "name" }, shown(text));
}

function icon(state) {
  return draw("svg", { class: "icon", "aria-hidden": "true", viewBox: "0 0 16 16" }, draw("use", { href: "#state-" + state.key }));
}

/** A state as symbol and word. */
function stateOf(state, word) {
  return el("span", { class: "state " + state.key }, icon(state), word ?? state.word);
}

/** The heading of a section, what is said beside it, and its tools. */
function titled(id, title, told, tools) {
  return el("div", { class: "title" },
    el("div", {}, el("h2", { id: id + "-title" }, title), told && el("p", {}, told)),
    tools && el("div", { class: "tools" }, tools));
}

let saying = 0;
/** Has a screen reader say it. */
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => { byId("live").textContent = text; }, 60);
}

const isNarrow = matchMedia("(max-width: 720px)");
