// The attention view, part 2: the text, and the grid of heads.

// One strip of tokens; a second one where what is attended to is another text.
function buildTokens() {
  buildStrip(find("tokens"), data.tokens);
  find("keys").hidden = data.keys === data.tokens;
  if (data.keys !== data.tokens) buildStrip(find("keys"), data.keys);
}

function buildStrip(line, tokens) {
  const single = tokens.filter((token) => [...token].length > 1).length < 2;
  line.classList.toggle("words", !single);
  line.spans = []; // its tokens
  line.replaceChildren();
  tokens.forEach((token, i) => {
    const span = document.createElement("span");
    const made = tokens === data.tokens && i >= data.n_prompt;
    span.className = made ? "token made" : "token";
    if (SIGNS.includes(token)) span.classList.add("sign");
    span.dataset.i = i;
    span.textContent = print(token);
    if (!token) span.title = "part of the character before";
    if (made) span.title = "written by the model";
    line.append(span);
    line.spans.push(span);
    if (single && token === " ") line.append(document.createElement("wbr"));
    if (token.includes("\n")) line.append(document.createElement("br"));
  });
}

function colourTokens() {
  const column = find("direction").value === "column", [Q, K] = sizeOf(), one = data.keys === data.tokens;
  const weights = Array.from({ length: column ? Q : K }, (_, i) => (column ? weight(i, at.key) : weight(at.query, i)));
  const most = Math.max(...weights.filter((_, i) => column || !skipped(i)));
  const coloured = find(one || column ? "tokens" : "keys"), pointed = find(one || !column ? "tokens" : "keys");
  const shade = buildShade(most), ramp = buildRamp(), skip = isOn("skip");
  for (const line of one ? [coloured] : [find("tokens"), find("keys")]) {
    line.spans.forEach((span, i) => {
      const hidden = line !== coloured || (column ? data.causal && at.key > i : skip && i === 0);
      const level = hidden ? 0 : Math.round(255 * shade(weights[i])), rgb = level ? ramp[level] : "";
      if (span.shade !== String(rgb)) {
        span.shade = String(rgb); // only what changes is drawn anew: a long text has hundreds
        span.style.background = rgb && `rgb(${rgb})`;
        span.style.color = rgb && ink(rgb);
      }
      const here = line === pointed && i === (column ? at.key : at.query);
      if (here !== span.classList.contains("here")) span.classList.toggle("here", here);
    });
  }
}

const pressed = (layer, head) => heads.some(([l, h]) => l === layer && h === head);

function buildHeads() {
  const grid = find("heads");
  const size = Math.max(24, Math.min(52, Math.floor(430 / data.n_head)));
  grid.style.gridTemplateColumns = `auto repeat(${data.n_head}, minmax(22px, ${size}px))`;
  grid.style.setProperty("--heads", data.n_head);
  grid.replaceChildren(document.createElement("span"));
  for (let head = 0; head < data.n_head; head++) grid.append(make("span", "name", `H${head}`));
  for (let layer = 0; layer < data.n_layer; layer++) {
    const all = make("button", "name", `L${data.layers[layer]}`);
    all.title = `average all heads of layer ${data.layers[layer]}`;
    all.addEventListener("click", () => choose(Array.from({ length: data.n_head }, (_, head) => [layer, head])));
    grid.append(all);
    for (let head = 0; head < data.n_head; head++) grid.append(buildHead(layer, head));
  }
}

function buildHead(layer, head) {
  const button = document.createElement("button"), canvas = document.createElement("canvas");
  button.type = "button";
  button.dataset.head = `${layer}.${head}`;
  button.title = `layer ${data.layers[layer]}, head ${head}`;
  button.setAttribute("aria-label", button.title);
  canvas.width = canvas.height = data.side;
  button.append(canvas);
  button.addEventListener("click", (event) => {
    const several = isOn("several") || event.ctrlKey || event.metaKey || event.shiftKey;
    const rest = heads.filter(([l, h]) => l !== layer || h !== head);
    choose(!several ? [[layer, head]] : rest.length === heads.length ? [...heads, [layer, head]] : rest.length ? rest : heads);
  });
  return button;
}

function drawHeads() {
  const n = data.side ** 2;
  if (!shrunk && triangles) return drawAllHeads();
  find("heads").querySelectorAll("button[data-head]").forEach((button, i) => {
    const values = Float32Array.from(shrunk.subarray(i * n, (i + 1) * n), (u) => (u / 255) ** 2);
    const context = button.firstChild.getContext("2d");
    context.clearRect(0, 0, data.side, data.side);
    context.drawImage(paint(values, data.side, largest(values, data.side), 0.5), 0, 0);
  });
}

function pressHeads() {
  for (const button of find("heads").querySelectorAll("button[data-head]")) {
    const [layer, head] = button.dataset.head.split(".").map(Number);
    button.setAttribute("aria-pressed", pressed(layer, head));
    button.tabIndex = layer === heads[0][0] && head === heads[0][1] ? 0 : -1;
    if (button.tabIndex === 0) keepInView(button);
  }
}


// As `drawHeads`, from the numbers themselves.
function drawAllHeads() {
  const [Q, K] = sizeOf();
  for (const button of find("heads").querySelectorAll("button[data-head]")) {
    const values = readHead(...button.dataset.head.split(".").map(Number)), canvas = button.firstChild;
    canvas.width = K;
    canvas.height = Q;
    canvas.getContext("2d").drawImage(paint(values, K, largest(values, K), 0.5), 0, 0);
  }
}

// Scrolls the grid alone, never the page.
function keepInView(button) {
  const grid = find("heads"), top = button.offsetTop - 24, bottom = button.offsetTop + button.offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (bottom > grid.scrollTop + grid.clientHeight) grid.scrollTop = bottom - grid.clientHeight + 4;
}
