// The attention view, part 3 of 4: the matrix of the chosen heads, its cursor and its table.

// Draws into a context of `width` pixels and returns where the cells are.
function drawMatrix(context, width) {
  const T = data.tokens.length, most = largest(matrix, T);
  const named = (width - 90) / T >= LABEL_FROM && T <= 64;
  const left = named ? Math.min(90, 10 + 7.5 * Math.max(...data.tokens.map((t) => Math.min(11, show(t).length)))) : 0;
  const cell = (width - left) / T;
  context.imageSmoothingEnabled = cell < 1;
  context.drawImage(paint(matrix, T, most), left, left, width - left, width - left);
  context.strokeStyle = "rgba(128, 128, 128, 0.6)";
  context.strokeRect(left, left, width - left, width - left);
  if (named) writeLabels(context, left, cell);
  return { left, cell, most };
}

function writeLabels(context, left, cell) {
  context.fillStyle = isDark() ? "#e4e4e7" : "#27272a";
  context.font = `${Math.min(13, cell - 1)}px ui-monospace, monospace`;
  context.textBaseline = "middle";
  data.tokens.forEach((token, i) => {
    const text = [...show(token)].slice(0, 11).join(""), middle = left + (i + 0.5) * cell;
    context.textAlign = "right";
    context.fillText(text, left - 4, middle, left - 4);
    context.save();
    context.translate(middle, left - 4);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(text, 0, 0, left - 4);
    context.restore();
  });
}

let cells = null; // where the matrix's cells are on its canvas, in CSS pixels
let drawn = null; // the picture without its cursor

function redrawMatrix() {
  const canvas = find("matrix"), width = canvas.clientWidth, zoom = window.devicePixelRatio || 1;
  if (!matrix || !width) return; // its tab is hidden: the observer below calls again
  canvas.width = canvas.height = Math.round(width * zoom);
  canvas.style.height = `${width}px`;
  find("chosen").textContent = describeHeads();
  const context = canvas.getContext("2d");
  context.scale(zoom, zoom);
  cells = drawMatrix(context, width);
  drawn = document.createElement("canvas");
  drawn.width = drawn.height = canvas.width;
  drawn.getContext("2d").drawImage(canvas, 0, 0);
  drawScale();
}

function drawScale() {
  const context = find("ramp").getContext("2d");
  for (let x = 0; x < 120; x++) {
    context.fillStyle = `rgb(${colour(x / 119)})`;
    context.fillRect(x, 0, 1, 10);
  }
  find("low").textContent = isOn("log") ? `${format(cells.most / 1000)} or less` : "0";
  find("high").textContent = `${format(cells.most)} (the largest)`;
}

function drawCursor() {
  const canvas = find("matrix"), context = canvas.getContext("2d");
  if (!drawn || !cells) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(drawn, 0, 0);
  const zoom = canvas.width / canvas.clientWidth, side = Math.max(cells.cell, 5), shift = (side - cells.cell) / 2;
  context.setTransform(zoom, 0, 0, zoom, 0, 0);
  context.strokeStyle = MARK;
  context.lineWidth = 2;
  context.strokeRect(cells.left + at.key * cells.cell - shift, cells.left + at.query * cells.cell - shift, side, side);
}

function pointTo(query, key) {
  const T = data.tokens.length;
  at.query = Math.max(0, Math.min(T - 1, query));
  at.key = Math.max(0, Math.min(at.query, key));
  refreshCursor();
}

// The token that the query at i looks at most.
function favourite(i) {
  let best = Number(isOn("skip") && i > 0);
  for (let k = best; k <= i; k++) if (weight(i, k) > weight(i, best)) best = k;
  return best;
}

// The token that looks most at the key at i.
function admirer(i) {
  let best = i;
  for (let q = i; q < data.tokens.length; q++) if (weight(q, i) > weight(best, i)) best = q;
  return best;
}

function refreshCursor() {
  if (!matrix) return;
  const last = data.n_prompt + data.n_recited - 1; // where it is decided what the answer begins with
  at ??= { query: last, key: favourite(last) };
  drawCursor();
  colourTokens();
  const how = isOn("rollout") ? "draws from" : "looks at";
  const sentence = `${name(at.query)} ${how} ${name(at.key)} with ${format(weight(at.query, at.key))}`;
  tell(sentence);
  find("matrix").setAttribute("aria-label", `Attention matrix, ${describeHeads()}. ${sentence}. Arrow keys move.`);
  if (find("fallback").open) fillTable();
}

function fillTable() {
  const column = find("direction").value === "column", rows = [];
  for (let i = column ? at.key : 0; i < (column ? data.tokens.length : at.query + 1); i++) {
    const row = document.createElement("tr");
    for (const text of [i, show(data.tokens[i]), format(column ? weight(i, at.key) : weight(at.query, i))]) {
      row.insertCell().textContent = text;
    }
    rows.push(row);
  }
  find("fallback").querySelector("tbody").replaceChildren(...rows);
  const caption = column ? `Who looks at ${name(at.key)}` : `Where ${name(at.query)} looks`;
  find("fallback").querySelector("caption").textContent = `${caption}: ${describeHeads()}`;
}

function refresh() {
  if (!data) return;
  drawHeads();
  pressHeads();
  redrawMatrix();
  refreshCursor();
}

