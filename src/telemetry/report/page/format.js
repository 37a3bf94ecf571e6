// Numbers and texts as a person reads them.

const grouped = new Intl.NumberFormat("en");
const count = (number) => grouped.format(number);
const plural = (number, word, words) => count(number) + " " + (number === 1 ? word : words ?? word + "s");
const percent = (share) => (share > 0 && share < 0.01 ? "< 1" : Math.round(share * 100)) + " %";

/** Three digits of a number below 1000. */
function three(number) {
  return number < 9.995 ? number.toFixed(2) : number < 99.95 ? number.toFixed(1) : number.toFixed(0);
}

/** A duration in nanoseconds. */
function duration(nanos) {
  if (nanos === null || nanos === undefined) return "–";
  if (nanos === 0) return "0 s";
  if (nanos < 1e3) return nanos + " ns";
  if (nanos < 999.5e3) return three(nanos / 1e3) + " µs";
  if (nanos < 999.5e6) return three(nanos / 1e6) + " ms";
  if (nanos < 59.95e9) return three(nanos / 1e9) + " s";
  const seconds = Math.round(nanos / 1e9);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return days + " d " + hours + " h";
  if (hours > 0) return hours + " h " + minutes + " min";
  return minutes + " min " + (seconds % 60) + " s";
}

/** A difference of durations, with its sign. */
function difference(nanos) {
  return (nanos < 0 ? "−" : "+") + duration(Math.abs(nanos));
}

function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return (unit === 0 ? bytes : three(bytes)) + " " + units[unit];
}

/** A moment of the wall clock, from RFC 3339. */
function moment(text) {
  return text.slice(0, 10) + " " + text.slice(11, 19) + " UTC";
}

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/** The text with what is not seen, or turns the direction of what is, made visible. */
function shown(text) {
  return text.replace(HIDDEN, (hidden) => "\\u{" + hidden.codePointAt(0).toString(16) + "}");
}

/** At most so many characters, the middle left out: names differ at both ends. */
function middle(text, most) {
  const characters = Array.from(shown(text));
  if (characters.length <= most) return characters.join("");
  const tail = Math.floor((most - 1) * 0.45);
  return characters.slice(0, most - 1 - tail).join("") + "…" + characters.slice(-tail).join("");
}
