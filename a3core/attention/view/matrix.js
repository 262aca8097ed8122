// The attention view, part 3: the matrix of the chosen heads, its cursor, and what the cursor's token attends to.

const QUERY_AXIS = "query: the token that looks", KEY_AXIS = "key: what it looks at";

// The matrix as a list of things to draw, in a square of `width` pixels: { items, left, top, cell, most }.
function layOutMatrix(width) {
  const [Q, K] = sizeOf(), most = largest(matrix, K), items = [];
  const longest = Math.max(...[...data.tokens, ...data.keys].map((token) => Math.min(11, print(token).length)));
  const labels = longest > 1 ? Math.min(88, 8 + 6.6 * longest) : 13, left = 16 + labels, cell = (width - left) / Math.max(Q, K);
  const step = Math.ceil(LABEL_FROM / cell), size = Math.max(8, Math.min(12, cell * step - 1)); // thinned where they are close
  items.push({ image: paintMatrix(most), x: left, y: left, width: cell * K, height: cell * Q, smooth: cell < 1 });
  items.push({ frame: true, x: left, y: left, width: cell * K, height: cell * Q });
  items.push({ text: KEY_AXIS, x: left + (width - left) / 2, y: 7, size: 11, anchor: "center" });
  items.push({ text: QUERY_AXIS, x: 7, y: left + (width - left) / 2, size: 11, anchor: "center", angle: -90 });
  const cut = (token) => [...print(token)].slice(0, 11).join("");
  for (let i = 0; i < Q; i += step) items.push({ text: cut(data.tokens[i]), x: left - 4, y: left + (i + 0.5) * cell, size, anchor: "right", mono: true });
  for (let i = 0; i < K; i += step) {
    const text = cut(data.keys[i]), middle = left + (i + 0.5) * cell;
    if (longest > 1) items.push({ text, x: middle, y: left - 4, size, anchor: "left", angle: -90, mono: true });
    else items.push({ text, x: middle, y: left - 7, size, anchor: "center", mono: true });
  }
  return { items, left, cell, most };
}

const inkOfPage = () => (isDark() ? "#e9ebf1" : "#1b2130");
const fontOf = (item) => `${item.bold ? "600 " : ""}${item.size}px ${item.mono ? "ui-monospace, monospace" : "system-ui, sans-serif"}`;

function drawItem(context, item) {
  if (item.image) {
    context.imageSmoothingEnabled = Boolean(item.smooth);
    return context.drawImage(item.image, item.x, item.y, item.width, item.height ?? item.width);
  }
  if (item.frame) {
    context.strokeStyle = "rgba(128, 128, 128, 0.6)";
    return context.strokeRect(item.x, item.y, item.width, item.height ?? item.width);
  }
  Object.assign(context, { fillStyle: inkOfPage(), font: fontOf(item), textAlign: item.anchor ?? "left", textBaseline: "middle" });
  context.save();
  context.translate(item.x, item.y);
  context.rotate(((item.angle ?? 0) * Math.PI) / 180);
  context.fillText(item.text, 0, 0);
  context.restore();
}

let cells = null; // where the matrix's cells are on its canvas, in CSS pixels
let drawn = null; // the picture without its cursor

function redrawMatrix() {
  const canvas = find("matrix"), width = canvas.clientWidth, zoom = window.devicePixelRatio || 1;
  if (!matrix || !width) return; // its tab is hidden: the observer calls again
  canvas.width = canvas.height = Math.round(width * zoom);
  find("chosen").textContent = describeHeads();
  const context = canvas.getContext("2d");
  context.scale(zoom, zoom);
  cells = layOutMatrix(width);
  for (const item of cells.items) drawItem(context, item);
  drawn = document.createElement("canvas");
  drawn.width = drawn.height = canvas.width;
  drawn.getContext("2d").drawImage(canvas, 0, 0);
  drawScale();
}

function drawRamp(context) {
  for (let x = 0; x < 120; x++) {
    context.fillStyle = `rgb(${colour(x / 119)})`;
    context.fillRect(x, 0, 1, 10);
  }
}

const nameLow = () => (isOn("log") ? `${format(cells.most / 1000)} or less` : "0");
const nameHigh = () => `${format(cells.most)} (the largest)`;

function drawScale() {
  drawRamp(find("ramp").getContext("2d"));
  find("low").textContent = nameLow();
  find("high").textContent = nameHigh();
}

function drawCursor() {
  const canvas = find("matrix"), context = canvas.getContext("2d");
  if (!drawn || !cells) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(drawn, 0, 0);
  const zoom = canvas.width / canvas.clientWidth, side = Math.max(cells.cell, 5), shift = (side - cells.cell) / 2;
  context.setTransform(zoom, 0, 0, zoom, 0, 0);
  context.strokeStyle = CURSOR;
  context.lineWidth = 2;
  context.strokeRect(cells.left + at.key * cells.cell - shift, cells.left + at.query * cells.cell - shift, side, side);
}

function pointTo(query, key) {
  at.query = Math.max(0, Math.min(data.tokens.length - 1, query));
  at.key = Math.max(0, Math.min(lastKey(at.query), key));
  refreshCursor();
}

// The token that the query at i looks at most.
function favourite(i) {
  let best = Number(isOn("skip") && i > 0);
  for (let k = best; k <= lastKey(i); k++) if (weight(i, k) > weight(i, best)) best = k;
  return best;
}

// The token that looks most at the key at i.
function admirer(i) {
  let best = data.causal ? i : 0;
  for (let q = best; q < data.tokens.length; q++) if (weight(q, i) > weight(best, i)) best = q;
  return best;
}

function refreshCursor() {
  if (!matrix) return;
  const last = Math.min(data.n_prompt + data.n_recited, data.tokens.length) - 1; // where the answer's first token is decided
  at ??= { query: last, key: favourite(last) };
  drawCursor();
  colourTokens();
  listStrongest();
  const how = isOn("rollout") ? "draws from" : "looks at";
  const sentence = `${name(at.query)} ${how} ${nameKey(at.key)} with ${format(weight(at.query, at.key))}`;
  tell(sentence);
  find("matrix").setAttribute("aria-label", `Attention matrix, ${describeHeads()}. ${sentence}. Arrow keys move.`);
  if (section === "table") fillPanel();
  pointOther();
}

// The four largest weights of the cursor's row, or column, with bars.
function listStrongest() {
  const column = find("direction").value === "column", pairs = [], names = column ? data.tokens : data.keys;
  const first = column ? (data.causal ? at.key : 0) : Number(skipped(0)), end = column ? data.tokens.length : lastKey(at.query) + 1;
  for (let i = first; i < end; i++) pairs.push([i, column ? weight(i, at.key) : weight(at.query, i)]);
  const best = pairs.sort((a, b) => b[1] - a[1]).slice(0, 4), most = best.length ? best[0][1] : 1;
  const list = find("strongest"), track = () => make("span", "track", "", make("i", "bar"));
  while (list.children.length < best.length) list.append(make("li", "", "", make("span", "piece"), make("span", "muted"), track(), make("b", "num")));
  while (list.children.length > best.length) list.lastChild.remove();
  best.forEach(([i, p], row) => {
    const [piece, position, bar, number] = list.children[row].children;
    piece.textContent = print(names[i]);
    position.textContent = `(${i})`;
    bar.firstChild.style.width = `${(100 * p) / (most || 1)}%`;
    number.textContent = format(p);
  });
}

function refresh() {
  if (!data) return;
  drawHeads();
  refreshMatrix();
}

// Another head: the small pictures stay.
function refreshMatrix() {
  pressHeads();
  redrawMatrix();
  refreshCursor();
}

// Two models side by side: each view is in `a3views` by its slot. Pointing at one points at the other where their texts
// have the same character; the second can draw the first's weights less its own.

const views = (window.a3views ??= {});
views[slot] = { start: (i) => startOf(data.tokens, i), point: (query, key) => pointAtCharacters(query, key), get: () => ({ data, matrix, heads }) };
let led = false; // by the other view, which is not pointed back at

const lengthOf = (token) => (/^<[^ ]*>$/.test(token) ? 0 : token.length); // a special token is no part of the text
const startOf = (tokens, i) => tokens.slice(0, i).reduce((sum, token) => sum + lengthOf(token), 0);

function findToken(character) {
  let end = 0;
  for (let i = 0; i < data.tokens.length; i++) if ((end += lengthOf(data.tokens[i])) > character) return i;
  return -1;
}

function pointAtCharacters(query, key) {
  const q = findToken(query), k = findToken(key);
  if (q < 0 || k < 0 || !matrix || !at) return;
  led = true;
  pointTo(q, k);
  led = false;
}

const otherView = () => views[isFirst ? "second" : "first"];

function pointOther() {
  const other = otherView();
  if (led || !other || slot === "alone" || !other.get().matrix) return;
  other.point(startOf(data.tokens, at.query), startOf(data.tokens, at.key));
}

// The first view's weights less these, (T, T); null where the two texts are cut into other tokens.
function difference() {
  const first = views.first?.get();
  if (!first?.matrix || String([first.data.tokens, first.data.keys]) !== String([data.tokens, data.keys])) return null;
  return first.matrix.map((weight, i) => weight - matrix[i]);
}

// Blue where this one has more, orange where the first has.
function paintMatrix(most) {
  const values = isOn("minus") ? difference() : null, [Q, K] = sizeOf();
  if (!values) return paint(matrix, K, most);
  const canvas = document.createElement("canvas"), image = new ImageData(K, Q), reach = Math.max(...values.map(Math.abs)) || 1;
  canvas.width = K;
  canvas.height = Q;
  const paper = isDark() ? [24, 24, 27] : [255, 255, 255];
  values.forEach((value, i) => {
    const end = value < 0 ? [0, 114, 178] : [213, 94, 0], share = Math.abs(value) / reach;
    image.data.set(data.causal && i % K > Math.floor(i / K) ? UNREAD : [...paper.map((p, c) => Math.round(p + share * (end[c] - p))), 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
