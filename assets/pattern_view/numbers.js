// The attention view, part 1 of 4: what it holds, and how a number becomes a colour or a word.
// The parts are one script, which Gradio runs with: element, trigger, props, server, upload, watch.
// Text from people only ever becomes textContent or canvas text, never markup.
const find = (name) => element.querySelector(`.${name}`);
const RAMPS = {
  light: [[255, 255, 255], [158, 202, 225], [0, 114, 178], [0, 34, 78]],
  dark: [[24, 24, 27], [0, 84, 150], [86, 180, 233], [255, 247, 188]],
};
const isFirst = find("view").dataset.slot === "first"; // the second one has no say in the page's address
const MARK = "#d55e00";
const SIGNS = ["⁇", "□"]; // the mask and the pad of a character model
const UNSEEN = [128, 128, 128, 40]; // later tokens, which a causal model never sees
const LABEL_FROM = 11; // pixels a token needs on the matrix before its name is written beside it
const matrices = new Map(); // fetched matrices of this capture, by their request
let data = null; // the payload: tokens, thumbnails, ...
let shrunk = null; // its thumbnails, uint8
let heads = []; // chosen [layer, head] pairs
let matrix = null; // Float32Array T * T of what is chosen, or null while it travels, and if it never came
let at = null; // the cell the cursor is on: { query, key }
let asked = 0;

// Numbers

function decodeBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function decodeHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
}

function unpackTriangle(text, T) {
  const bytes = decodeBase64(text), view = new DataView(bytes.buffer), full = new Float32Array(T * T);
  for (let q = 0, i = 0; q < T; q++) for (let k = 0; k <= q; k++, i++) full[q * T + k] = decodeHalf(view.getUint16(2 * i, true));
  return full;
}

const weight = (q, k) => (matrix ? matrix[q * data.tokens.length + k] : 0);
const isOn = (name) => find(name).checked;
const skipped = (k) => isOn("skip") && k === 0;

// The largest weight of those shown, but for the first token's on itself, which can only be one.
function largest(values, width) {
  let most = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > most && !skipped(i % width)) most = values[i];
  return most;
}

// A weight's place on the colour ramp, in [0, 1]; the power 1/2 lets a small picture show small weights.
function place(p, most, power = 1) {
  if (!(p > 0) || p < Number(find("threshold").value)) return 0;
  const share = Math.min(1, p / (most || 1));
  return isOn("log") ? Math.max(0, 1 + Math.log10(share) / 3) : share ** power;
}

// Colours

const isDark = () => document.body.classList.contains("dark");

function colour(x, ramp = RAMPS[isDark() ? "dark" : "light"]) {
  const i = Math.min(Math.floor(3 * x), 2), f = 3 * x - i;
  return ramp[i].map((low, c) => Math.round(low + f * (ramp[i + 1][c] - low)));
}

function ink(rgb) {
  return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140 ? "#111111" : "#ffffff";
}

// A canvas of width x width pixels, one a weight.
function paint(values, width, most, power) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = width;
  const image = new ImageData(width, width);
  for (let i = 0; i < values.length; i++) {
    const q = Math.floor(i / width), k = i % width;
    image.data.set(k > q ? UNSEEN : [...colour(skipped(k) ? 0 : place(values[i], most, power)), 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Words

function show(token) {
  return token.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥") || "∅";
}

function name(i) {
  return `“${show(data.tokens[i])}” (${i})`;
}

function describeHeads() {
  if (isOn("rollout")) return `attention rollout up to layer ${Math.max(...heads.map(([layer]) => layer))}, all heads`;
  const names = heads.map(([layer, head]) => `L${layer} H${head}`);
  if (names.length === 1) return `layer ${heads[0][0]}, head ${heads[0][1]}`;
  return `mean of ${names.length} heads: ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}

function format(p) {
  return p === 0 ? "0" : p < 0.001 ? p.toExponential(2) : p.toPrecision(3);
}

function tell(text, failed = false) {
  find("status").textContent = text;
  find("status").classList.toggle("failed", failed);
}

