// The attention view, part 1: what it holds, and how a number becomes a colour or a word.
// The parts are one script, which runs with: element, trigger, props, server, watch.
// Text from people only ever becomes textContent or canvas text, never markup.
const parts = {}; // of the markup, which stays
const find = (name) => (parts[name] ??= element.querySelector(`.${name}`));
const RAMPS = {
  light: [[255, 255, 255], [158, 202, 225], [0, 114, 178], [0, 34, 78]],
  dark: [[24, 24, 27], [0, 84, 150], [86, 180, 233], [255, 247, 188]],
};
const slot = find("view").dataset.slot, isFirst = slot === "first"; // the second has no part in the page's address
const CURSOR = "#d55e00";
const SIGNS = ["⁇", "□"]; // the mask and the pad of a character model
const UNREAD = [128, 128, 128, 40]; // later tokens, which a causal model never reads
const LABEL_FROM = 9; // pixels between two labels on the matrix, at least
const matrices = new Map(); // matrices of this capture, by their request
let data = null; // the payload: tokens, matrices or thumbnails, ...
let shrunk = null; // its thumbnails, uint8
let triangles = null; // its matrices, Uint16 of half floats, where they came with it
let norms = {}; // |v| and |v W_O| by name, Float32Array (n_layer * n_head * T)
let heads = []; // chosen [layer, head] pairs
let matrix = null; // Float32Array T * T of what is chosen, or null while it travels, and if it never came
let at = null; // the cell the cursor is on: { query, key }
let asked = 0;

// Numbers

const decodeBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function decodeHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
}

const sizeOf = () => [data.tokens.length, data.keys.length]; // queries and keys
const lastKey = (q) => (data.causal ? q : data.keys.length - 1); // that a query may read

// One matrix, of which a causal one travels as its lower triangle.
function unpack(halves) {
  const [Q, K] = sizeOf(), full = new Float32Array(Q * K);
  for (let q = 0, i = 0; q < Q; q++) for (let k = 0; k <= lastKey(q); k++, i++) full[q * K + k] = halves instanceof Uint8Array ? (halves[i] / 255) ** 2 : decodeHalf(halves[i]);
  return full;
}

// All matrices: base64 of half floats, or the bytes of a page of its own, where half === false means 255 sqrt(weight).
function readWeights(matrices) {
  if (typeof matrices === "string") return readHalves(matrices);
  return data.half ? new Uint16Array(matrices.buffer) : matrices;
}

const readHalves = (text) => new Uint16Array(decodeBase64(text).buffer);

// The matrix of one head, where all came at once.
function readHead(layer, head) {
  const [Q, K] = sizeOf(), size = data.causal ? (Q * (Q + 1)) / 2 : Q * K, i = layer * data.n_head + head;
  return unpack(triangles.subarray(i * size, (i + 1) * size));
}

// What `payload.select_matrix` computes, where all matrices came at once.
function selectMatrix(pairs, rollout, weighing) {
  const [Q, K] = sizeOf();
  if (rollout) return rollOut(Math.max(...pairs.map(([layer]) => layer)));
  const mean = new Float32Array(Q * K);
  for (const [layer, head] of pairs) {
    const weights = readHead(layer, head), from = (layer * data.n_head + head) * K;
    const scale = weighing ? norms[weighing].subarray(from, from + K) : null, most = scale ? Math.max(...scale) || 1 : 1;
    for (let i = 0; i < mean.length; i++) mean[i] += (weights[i] * (scale ? scale[i % K] / most : 1)) / pairs.length;
  }
  return mean;
}

// Attention rollout (Abnar and Zuidema 2020), from the bottom up to a layer.
function rollOut(last) {
  const T = data.tokens.length;
  let rolled = null;
  for (let layer = 0; layer <= last; layer++) {
    const mixed = selectMatrix(Array.from({ length: data.n_head }, (_, head) => [layer, head]), false, "");
    for (let i = 0; i < mixed.length; i++) mixed[i] = 0.5 * mixed[i] + (i % (T + 1) ? 0 : 0.5);
    if (!rolled) { rolled = mixed; continue; }
    const next = new Float32Array(T * T);
    for (let q = 0; q < T; q++) for (let m = 0; m <= lastKey(q); m++) for (let k = 0; k <= lastKey(m); k++) next[q * T + k] += mixed[q * T + m] * rolled[m * T + k];
    rolled = next;
  }
  return rolled;
}

const weight = (q, k) => (matrix ? matrix[q * data.keys.length + k] : 0);
const isOn = (name) => find(name).checked;
const skipped = (k) => isOn("skip") && k === 0;

// The largest weight of those that are drawn, but for the first token's on itself, which can only be one.
function largest(values, width) {
  const skip = isOn("skip");
  let most = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > most && !(skip && i % width === 0)) most = values[i];
  return most;
}

// What gives a weight's position on the colour ramp, in [0, 1], by the options as they are set now; the power 1/2 lets
// a small picture have small weights.
function buildShade(most, power = 1) {
  const least = Number(find("threshold").value), isLog = isOn("log");
  return (p) => {
    if (!(p > 0) || p < least) return 0;
    const share = Math.min(1, p / (most || 1));
    return isLog ? Math.max(0, 1 + Math.log10(share) / 3) : share ** power;
  };
}

// Colours

const isDark = () => document.body.classList.contains("dark");

function colour(x, ramp = RAMPS[isDark() ? "dark" : "light"]) {
  const i = Math.min(Math.floor(3 * x), 2), f = 3 * x - i;
  return ramp[i].map((low, c) => Math.round(low + f * (ramp[i + 1][c] - low)));
}

const LEVELS = Array.from({ length: 256 }, (_, i) => i / 255);
const ramps = {}; // by light and dark
const buildRamp = () => (ramps[isDark()] ??= LEVELS.map((x) => colour(x)));
const ink = (rgb) => (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140 ? "#111111" : "#ffffff");

const pack = (rgba) => new Uint32Array(Uint8Array.from(rgba).buffer)[0];

// A canvas of width x height pixels, one a weight.
function paint(values, width, most, power) {
  const canvas = document.createElement("canvas"), height = values.length / width;
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  const shade = buildShade(most, power), ramp = buildRamp().map((rgb) => pack([...rgb, 255])), unread = pack(UNREAD), skip = isOn("skip");
  for (let q = 0, i = 0; q < height; q++) {
    for (let k = 0; k < width; k++, i++) pixels[i] = data.causal && k > q ? unread : ramp[skip && k === 0 ? 0 : Math.round(255 * shade(values[i]))];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Words

function print(token) {
  return token.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll("\u00a0", "⍽") || "·";
}

const name = (i) => `“${print(data.tokens[i])}” (${i})`; // of a query
const nameKey = (i) => `“${print(data.keys[i])}” (${i})`;
const nameHead = ([layer, head]) => `L${data.layers[layer]} H${head}`;

function describeHeads() {
  if (isOn("rollout")) return `attention rollout up to layer ${data.layers[Math.max(...heads.map(([layer]) => layer))]}, all heads`;
  const weighed = { "": "", v: ", times |v|", vo: ", times |v W_O|" }[find("weighing").value];
  if (heads.length === 1) return `layer ${data.layers[heads[0][0]]}, head ${heads[0][1]}${weighed}`;
  return `mean of ${heads.length} heads: ${heads.slice(0, 8).map(nameHead).join(", ")}${heads.length > 8 ? ", …" : ""}${weighed}`;
}

const format = (p) => (p === 0 ? "0" : p < 0.001 ? p.toExponential(2) : p.toPrecision(3));
const percent = (p) => (p > 0 && p < 0.0005 ? `${(100 * p).toExponential(1)} %` : `${(100 * p).toFixed(1)} %`);

function tell(text, failed = false) {
  find("status").textContent = text;
  find("status").classList.toggle("failed", failed);
}

// A new element with a class, a text and children.
function make(tag, className = "", text = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (tag === "button") made.type = "button";
  made.textContent = text;
  made.append(...children);
  return made;
}
