// The attention view, part 6: what travels, the page's address, and hands.

const UNREACHED = { error: "No answer from the server: see that it runs, then choose the head again." };
const OPTIONS = ["direction", "weighing", "threshold", "skip", "log", "rollout"]; // those that the address holds

async function fetchMatrix() {
  const rollout = isOn("rollout"), weighing = rollout ? "" : find("weighing").value;
  const request = { ...data.request, heads, rollout, weighing }, key = JSON.stringify(request), mine = ++asked;
  if (!matrices.has(key)) {
    let made;
    if (triangles) made = selectMatrix(heads, rollout, weighing);
    else {
      tell("…");
      matrix = null; // what is drawn stays, under its own name
      const answer = (await server.fetch_pattern(request)) ?? UNREACHED; // Gradio's client catches what fails on the way
      if (mine !== asked) return;
      if (answer.error) return tell(answer.error, true);
      made = unpack(readHalves(answer.matrix));
    }
    if (matrices.size > 40) matrices.clear();
    matrices.set(key, made);
  }
  matrix = matrices.get(key);
  refreshMatrix();
}

function choose(pairs) {
  heads = pairs;
  pressHeads();
  find("why").textContent = String(heads) === String(data.start) ? data.why : "";
  writeAddress();
  fillEffect();
  if (isFirst && data.request) trigger("choose", { heads: heads.map(([row, head]) => [data.layers[row], head]) });
  if (data.quick) measure();
  return fetchMatrix().then(fillPanel);
}

function measure() {
  ask("effect");
  fillEffect();
}

// The page's address holds what is on the screen, and brings it back.

const valueOf = (option) => (find(option).type === "checkbox" ? (isOn(option) ? "1" : "") : find(option).value);

function writeAddress() {
  if (!isFirst || !data.request) return;
  const url = new URL(window.location.href), { model, text, generate, second, layers } = data.request;
  const state = { tab: "attention", model, text, generate: generate ? "1" : "", second, layers };
  Object.assign(state, { claim: "", parameters: "", layer: heads.map(([layer]) => layer).join(), head: heads.map(([, head]) => head).join() });
  for (const option of OPTIONS) state[option] = ["row", "0"].includes(valueOf(option)) ? "" : valueOf(option);
  for (const [key, value] of Object.entries(state)) value ? url.searchParams.set(key, value) : url.searchParams.delete(key);
  const long = url.href.length > 6000; // servers refuse longer addresses
  if (long) url.searchParams.delete("text");
  find("facts").textContent = describeCapture() + (long ? " · too long for a link" : "");
  window.history.replaceState(window.history.state, "", url);
}

function readOptions() {
  const query = new URLSearchParams(window.location.search);
  if (!isFirst || query.get("tab") !== "attention") return;
  for (const option of OPTIONS) {
    const field = find(option), value = query.get(option);
    if (value === null) continue;
    if (field.type === "checkbox") field.checked = value === "1";
    else field.value = value;
  }
}

// The heads that the address names, if this model has them; the second model starts with the first one's.
function readAddress() {
  const query = new URLSearchParams(window.location.search), list = (key) => (query.get(key) || "").split(",").map(Number);
  if (slot === "alone" || query.get("tab") !== "attention" || !query.get("layer") || (isFirst && query.get("model") !== data.model)) return null;
  const columns = list("head"), pairs = list("layer").map((layer, i) => [layer, columns[i]]);
  const known = ([layer, head]) => Number.isInteger(layer) && layer >= 0 && layer < data.n_layer && Number.isInteger(head) && head >= 0 && head < data.n_head;
  return pairs.every(known) ? pairs : null;
}

const describeCapture = () => `${data.model} · ${data.tokens.length} tokens · ${data.n_layer} layers of ${data.n_head} heads`;

function chooseNumbered(pairs) {
  const rows = pairs.map(([layer, head]) => [data.layers.indexOf(layer), head]).filter(([row]) => row >= 0);
  rows.length ? choose(rows) : tell("None of these layers is in this picture.", true);
}

function receive() {
  const value = props.value;
  if (value?.answer && data) return takeAnswer(value.answer);
  if (value?.heads && data) return chooseNumbered(value.heads);
  if (!value || !value.tokens) return;
  const known = data && data.n_layer === value.n_layer && data.n_head === value.n_head && heads;
  data = { ...value, keys: value.keys ?? value.tokens, causal: value.causal ?? true };
  shrunk = data.thumbnails ? decodeBase64(data.thumbnails) : null;
  triangles = data.matrices ? readWeights(data.matrices) : null;
  norms = Object.fromEntries(Object.entries(data.norms).map(([key, text]) => [key, new Float32Array(decodeBase64(text).buffer)]));
  for (const option of find("weighing").options) option.disabled = Boolean(option.value) && !norms[option.value];
  if (find("weighing").selectedOptions[0].disabled) find("weighing").value = "";
  find("rollout").disabled = data.keys !== data.tokens; // it goes through layers of one text
  if (find("rollout").disabled) find("rollout").checked = false;
  matrices.clear();
  answers.clear();
  waiting.clear();
  for (const answer of data.answers ?? []) answers.set(answer.key ?? JSON.stringify([answer.kind, null, null]), answer);
  matrix = drawn = cells = null;
  find("matrix").width = 0; // no old picture under the new text
  find("title").textContent = data.title ?? `Where ${data.model} looks`;
  find("facts").textContent = describeCapture();
  find("note").textContent = data.note;
  find("ask").hidden = !isFirst || !data.request;
  find("body").hidden = false;
  at = null;
  buildTokens();
  buildHeads();
  drawHeads();
  readOptions();
  buildSections();
  choose((!isFirst && known) || readAddress() || known || [data.start]);
}

// Hands

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function cellUnder(event) {
  const box = find("matrix").getBoundingClientRect();
  return [event.clientY - box.top, event.clientX - box.left].map((x) => Math.floor((x - cells.left) / cells.cell));
}

find("matrix").addEventListener("pointermove", (event) => cells && pointTo(...cellUnder(event)));
find("matrix").addEventListener("pointerdown", (event) => cells && (pointTo(...cellUnder(event)), section === "cell" && fillPanel()));
find("matrix").addEventListener("keydown", (event) => {
  const step = ARROWS[event.key];
  if (event.key === "Enter" && section === "cell") fillPanel();
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

function pointToKey(event) {
  const span = event.target.closest(".token");
  if (span && matrix) pointTo(admirer(Number(span.dataset.i)), Number(span.dataset.i));
}

for (const kind of ["pointerover", "pointerdown"]) {
  find("tokens").addEventListener(kind, pointToToken);
  find("keys").addEventListener(kind, pointToKey);
}
find("heads").addEventListener("keydown", (event) => {
  const step = ARROWS[event.key], from = event.target.dataset.head;
  if (!step || !from) return;
  event.preventDefault();
  const [layer, head] = from.split(".").map(Number);
  element.querySelector(`[data-head="${layer + step[0]}.${head + step[1]}"]`)?.focus();
});
find("minus").addEventListener("input", () => (refresh(), isOn("minus") && !difference() && tell("The two texts are cut into other tokens, so there is no difference to draw.", true)));
for (const option of ["direction", "threshold", "skip", "log"]) find(option).addEventListener("input", () => (writeAddress(), refresh()));
for (const option of ["rollout", "weighing"]) find(option).addEventListener("input", () => data && (writeAddress(), fetchMatrix()));
find("png").addEventListener("click", () => matrix && savePNG());
find("svg").addEventListener("click", () => matrix && saveSVG());
find("measure").addEventListener("click", () => data && measure());
find("map").addEventListener("click", () => data && (openSection("maps"), find("panel").scrollIntoView({ block: "nearest" })));
find("ask").addEventListener("click", () => data && trigger("birthplace", { text: data.request.text }));

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
