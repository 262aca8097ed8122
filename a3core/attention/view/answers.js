// The attention view, part 5: what the server measures for the chosen heads, and the sections below the picture.
// Questions go out as the event "ask", or "map" of every head, { kind, request, heads, at }, or come with a page of its own as `data.answers`.

const SECTIONS = { maps: "Weights are not effects", lens: "If it stopped here", cell: "How one number comes about", scores: "Find heads", table: "As a table" };
const answers = new Map(); // by kind, heads and cell, of this capture
let section = "";
let waiting = new Set();

const keyOf = (kind) => JSON.stringify([kind, kind === "effect" ? heads : null, kind === "cell" ? [heads[0], at] : null]);

function ask(kind) {
  const key = keyOf(kind);
  if (answers.has(key) || waiting.has(key)) return;
  if (slot === "alone") return answers.set(key, { error: "A page of its own holds the pattern alone: measure this in the app." });
  waiting.add(key);
  trigger(kind === "maps" ? "map" : "ask", { kind, key, request: data.request, heads, at });
}

// An answer comes as { answer: { kind, key, request, ... } }; one of an earlier text is of no use.
function takeAnswer(answer) {
  waiting.delete(answer.key);
  if (JSON.stringify(answer.request) !== JSON.stringify(data.request)) return;
  answers.set(answer.key, answer);
  if (answer.kind === "effect") fillEffect();
  else fillPanel();
}

// "What if this head were off?"

function bar(labelled, p, most, kind) {
  const filled = make("i", `bar ${kind}`);
  filled.style.width = `${Math.min(100, (100 * p) / (most || 1))}%`;
  return make("p", "line", "", make("span", "", labelled), make("span", "track", "", filled), make("b", "num", percent(p)));
}

function fillEffect() {
  if (slot === "alone") return (find("effect").hidden = true); // nothing is measured there
  const box = find("outcome"), found = answers.get(keyOf("effect")), few = heads.length * data.n_layer * data.n_head;
  find("measure").hidden = Boolean(found) || waiting.has(keyOf("effect"));
  if (!found) return box.replaceChildren(make("p", "muted small", waiting.has(keyOf("effect")) ? "Measuring…" : few ? "Chance of the answer with it off: measured on demand." : ""));
  if (found.error) return box.replaceChildren(make("p", "failed", found.error));
  const most = Math.max(found.before, found.everywhere, found.answer ?? 0);
  box.replaceChildren(
    bar("all heads on", found.before, most, "on"),
    bar("off everywhere", found.everywhere, most, "off"),
    ...("answer" in found ? [bar("off where it answers", found.answer, most, "off")] : []),
    make("p", "muted small", `Chance of “${print(found.text)}”${found.note ? `. ${found.note}` : ""}`),
  );
}

// Sections

function buildSections() {
  const bar = find("sections");
  bar.replaceChildren();
  for (const [key, label] of Object.entries(SECTIONS)) {
    if (slot === "alone" && !["table", ...(data.answers ?? []).map((each) => each.kind)].includes(key)) continue;
    const tab = make("button", "", label);
    tab.setAttribute("role", "tab");
    tab.dataset.section = key;
    tab.addEventListener("click", () => openSection(section === key ? "" : key));
    bar.append(tab);
  }
  openSection(section);
}

function openSection(key) {
  section = key;
  for (const tab of find("sections").children) tab.setAttribute("aria-selected", tab.dataset.section === key);
  find("panel").hidden = !key;
  fillPanel();
}

function fillPanel() {
  if (!section || !matrix) return;
  const panel = find("panel");
  if (section === "table") return panel.replaceChildren(buildTable());
  const found = answers.get(keyOf(section)) ?? (ask(section), answers.get(keyOf(section)));
  if (!found) return panel.replaceChildren(make("p", "muted", "Measuring…"));
  if (found.error) return panel.replaceChildren(make("p", "failed", found.error));
  panel.replaceChildren(...{ maps: buildMaps, lens: buildLens, cell: buildCell, scores: buildScores }[section](found));
}

function buildRows(tag, head, rows, caption) {
  const table = make("table", "a3-t"), row = table.createTHead().insertRow(), body = table.createTBody();
  if (caption) table.createCaption().textContent = caption;
  for (const text of head) Object.assign(row.appendChild(make("th", "", text)), { scope: "col" });
  for (const values of rows) {
    const line = body.insertRow();
    for (const value of values) value instanceof Node ? line.insertCell().append(value) : (line.insertCell().textContent = value);
  }
  return make("div", "a3-scroll", "", table);
}

function buildTable() {
  const column = find("direction").value === "column", rows = [], names = column ? data.tokens : data.keys;
  const first = column && data.causal ? at.key : 0, end = column ? data.tokens.length : lastKey(at.query) + 1;
  for (let i = first; i < end; i++) rows.push([i, print(names[i]), format(column ? weight(i, at.key) : weight(at.query, i))]);
  const caption = column ? `Who looks at ${nameKey(at.key)}` : `Where ${name(at.query)} looks`;
  return buildRows("table", ["position", "token", "weight"], rows, `${caption}: ${describeHeads()}`);
}

// Three maps over the heads; blue is less of the answer, orange is more.

function buildMaps(found) {
  const maps = found.maps.map((map) => {
    const most = Math.max(...map.values.flat().map(Math.abs)) || 1, grid = make("div", "grid");
    grid.style.gridTemplateColumns = `auto repeat(${data.n_head}, minmax(10px, 22px))`;
    map.values.forEach((row, layer) => {
      grid.append(make("span", "name", `L${data.layers[layer]}`));
      row.forEach((value, head) => {
        const cell = make("button", "cell"), share = Math.abs(value) / most;
        cell.style.background = `color-mix(in srgb, ${value < 0 ? "#0072b2" : "#d55e00"} ${Math.round(100 * share)}%, var(--a3-sunken))`;
        cell.title = `${nameHead([layer, head])}: ${value < 0 ? "−" : "+"}${format(Math.abs(value))} ${map.unit}`;
        cell.setAttribute("aria-label", cell.title);
        cell.addEventListener("click", () => choose([[layer, head]]));
        grid.append(cell);
      });
    });
    return make("figure", "", "", make("figcaption", "", map.title), grid, make("p", "small muted", map.blind));
  });
  return [make("p", "small", found.sentence), make("div", "maps", "", ...maps)];
}

function buildLens(found) {
  const rows = found.rows.map((row) => [row.layer ? `after layer ${row.layer - 1}` : "embedding", ...row.top.map(([token, p]) => `${print(token)} ${percent(p)}`), row.rank.toLocaleString(), percent(row.probability)]);
  return [make("p", "small", found.sentence), buildRows("table", ["it has run", "1", "2", "3", "4", "5", `rank of “${print(found.target)}”`, "its chance"], rows)];
}

// A cell's number from the query and key: their product per dimension, the scores of the row, and the softmax.

function buildCell(found) {
  const most = Math.max(...found.products.map(Math.abs)) || 1;
  const strip = (values, reach) => {
    const line = make("div", "strip");
    for (const value of values) {
      const cell = make("i");
      cell.style.background = `color-mix(in srgb, ${value < 0 ? "#0072b2" : "#d55e00"} ${Math.round((100 * Math.abs(value)) / reach)}%, var(--a3-sunken))`;
      cell.title = format(Math.abs(value)) === "0" ? "0" : `${value < 0 ? "−" : ""}${format(Math.abs(value))}`;
      line.append(cell);
    }
    return line;
  };
  const reach = (values) => Math.max(...values.map(Math.abs)) || 1;
  const vectors = [["query q", found.query], ["key k", found.key_vector], ["q × k, per dimension", found.products]].map(([text, values]) => make("p", "vector", "", make("span", "", text), strip(values, text.startsWith("q ×") ? most : reach(values))));
  const rows = found.row.map((cell) => [`${print(data.keys[cell.position])} (${cell.position})`, cell.score.toFixed(3), cell.masked ? "masked" : "", cell.masked ? "0" : format(cell.weight)]);
  return [make("p", "", found.sentence), ...vectors, buildRows("table", ["key", "score before the softmax", "mask", "weight"], rows, "The row of the query"), make("p", "small muted", found.laboratory)];
}

function buildScores(found) {
  const column = make("select");
  column.setAttribute("aria-label", "Sort heads by");
  for (const [i, score] of found.scores.entries()) column.append(Object.assign(make("option", "", score.title), { value: i }));
  const list = make("div");
  const fill = () => {
    const score = found.scores[column.value], flat = score.values.flatMap((row, layer) => row.map((value, head) => [layer, head, value])).sort((a, b) => b[2] - a[2]).slice(0, 10);
    list.replaceChildren(make("p", "small muted", score.meaning), buildRows("table", ["head", score.title], flat.map(([layer, head, value]) => {
      const open = make("button", "a3-quiet", nameHead([layer, head]));
      open.addEventListener("click", () => choose([[layer, head]]));
      return [open, format(value)];
    })));
  };
  column.addEventListener("input", fill);
  fill();
  return [make("label", "", "Sort heads by ", column), list];
}
