// The attention view, part 4 of 4: what travels, the page's address, and hands.

const UNREACHED = { error: "No answer from the server: see that it runs, then choose the head again." };

async function fetchMatrix() {
  const request = { ...data.request, heads, rollout: isOn("rollout") }, key = JSON.stringify(request), mine = ++asked;
  if (!matrices.has(key)) {
    tell("…");
    matrix = null; // what is drawn stays, under its own name
    const answer = (await server.fetch_pattern(request)) ?? UNREACHED; // Gradio's client catches what fails on the way
    if (mine !== asked) return;
    if (answer.error) return tell(answer.error, true);
    if (matrices.size > 40) matrices.clear();
    matrices.set(key, unpackTriangle(answer.matrix, data.tokens.length));
  }
  matrix = matrices.get(key);
  refresh();
}

function choose(pairs) {
  heads = pairs;
  pressHeads();
  writeAddress();
  if (isFirst) trigger("choose", { heads });
  return fetchMatrix();
}

// The page's address holds what is shown, and brings it back.

function writeAddress() {
  if (!isFirst) return;
  const url = new URL(window.location.href), { model, text, generate, second } = data.request;
  const state = { tab: "attention", model, text, generate: generate ? "1" : "", second };
  Object.assign(state, { layer: heads.map(([layer]) => layer).join(), head: heads.map(([, head]) => head).join() });
  for (const [key, value] of Object.entries(state)) value ? url.searchParams.set(key, value) : url.searchParams.delete(key);
  if (url.href.length > 6000) url.searchParams.delete("text"); // servers refuse longer addresses
  window.history.replaceState(window.history.state, "", url);
}

// The heads that the address names, if this model has them; the second model starts with the first one's.
function readAddress() {
  const query = new URLSearchParams(window.location.search), list = (key) => (query.get(key) || "").split(",").map(Number);
  if (!query.get("layer") || (isFirst && query.get("model") !== data.request.model)) return null;
  const columns = list("head"), pairs = list("layer").map((layer, i) => [layer, columns[i]]);
  const known = ([layer, head]) => Number.isInteger(layer) && layer in Array(data.n_layer).fill(0) && head in Array(data.n_head).fill(0);
  return pairs.every(known) ? pairs : null;
}

function receive() {
  const value = props.value;
  if (!value || !value.tokens) return;
  const known = data && data.n_layer === value.n_layer && data.n_head === value.n_head && heads;
  data = value;
  shrunk = decodeBase64(data.thumbnails);
  matrices.clear();
  matrix = drawn = cells = null;
  find("matrix").width = 0; // no old picture under the new text
  find("title").textContent = `${data.model}: ${data.tokens.length} tokens, ${data.n_layer} layers with ${data.n_head} heads`;
  find("body").hidden = false;
  at = null;
  buildTokens();
  buildHeads();
  drawHeads();
  choose((!isFirst && known) || readAddress() || known || [[data.n_layer - 1, 0]]);
}

// Hands

function cellUnder(event) {
  const box = find("matrix").getBoundingClientRect();
  return [event.clientY - box.top, event.clientX - box.left].map((x) => Math.floor((x - cells.left) / cells.cell));
}

find("matrix").addEventListener("pointermove", (event) => cells && pointTo(...cellUnder(event)));
find("matrix").addEventListener("pointerdown", (event) => cells && pointTo(...cellUnder(event)));
find("matrix").addEventListener("keydown", (event) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!step || !matrix) return;
  event.preventDefault();
  pointTo(at.query + step[0], at.key + step[1]);
});

function pointToToken(event) {
  const span = event.target.closest(".token");
  if (!span || !matrix) return;
  const i = Number(span.dataset.i);
  find("direction").value === "column" ? pointTo(admirer(i), i) : pointTo(i, favourite(i));
}

find("tokens").addEventListener("pointerover", pointToToken);
find("tokens").addEventListener("pointerdown", pointToToken);
find("heads").addEventListener("keydown", (event) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const from = event.target.dataset.head;
  if (!step || !from) return;
  event.preventDefault();
  const [layer, head] = from.split(".").map(Number);
  const next = element.querySelector(`[data-head="${layer + step[0]}.${head + step[1]}"]`);
  if (next) next.focus();
});
for (const option of ["direction", "threshold", "skip", "log"]) find(option).addEventListener("input", refresh);
find("rollout").addEventListener("input", () => data && fetchMatrix());
find("fallback").addEventListener("toggle", () => matrix && fillTable());
find("png").addEventListener("click", () => matrix && savePicture());

function savePicture() {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  canvas.width = 1200;
  canvas.height = 1260;
  context.fillStyle = isDark() ? "#18181b" : "#ffffff";
  context.fillRect(0, 0, 1200, 1260);
  context.fillStyle = isDark() ? "#e4e4e7" : "#27272a";
  context.font = "24px system-ui, sans-serif";
  context.fillText(`${data.model}: ${describeHeads()}`, 20, 36, 1160);
  context.translate(20, 60);
  drawMatrix(context, 1160);
  const link = document.createElement("a");
  link.download = "attention.png";
  link.href = canvas.toDataURL("image/png");
  link.click();
}

// Drawn again when the data comes, the tab is opened, the width changes or the page turns dark.

watch("value", receive);
receive();
new ResizeObserver(refreshIfSized).observe(find("matrix").parentElement);
new MutationObserver(refresh).observe(document.body, { attributes: true, attributeFilter: ["class"] });

let lastWidth = 0;
function refreshIfSized() {
  const width = find("matrix").clientWidth;
  if (width === lastWidth) return;
  lastWidth = width;
  if (data) refresh();
}
