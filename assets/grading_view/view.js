// The grading view: one item, its questions, and a keyboard. All text is written as text.

const find = (name) => element.querySelector(`.${name}`);
const MOVES = { Enter: "next", ArrowRight: "next", ArrowLeft: "back", b: "back", s: "skip", z: "undo", Z: "redo" };
const HELP = [
  ["Enter or →", "next"], ["b or ←", "back"], ["s", "skip: it comes back when nothing else is left"],
  ["z", "undo, as far back as you like"], ["Shift z", "redo"],
  ["1 … 99", "the first wrong step, its digits one after the other"], ["0", "no step is wrong"],
  ["r", "reveal the answer (once the explanation is judged)"], ["g", "flag for later"], ["e", "write a note"],
  ["#", "jump to an item: its number or id"], ["/", "search"], ["?", "these keys"],
];
const QUEUE = ["run", "annotator", "version", "part", "order", "blind", "adjudicate", "conditions", "search"];
const STORED = ["label", "undo", "redo"];
const TEXT = "textarea, select, [contenteditable='true'], [role='listbox'], [role='menu'], [role='grid']";
const TYPED = "input:not([type=radio], [type=checkbox], [type=button], [type=submit], [type=range], [type=file])";
const PENDING = "a3-grader-pending"; // what was pressed and is not answered; a reload finds it again
const PATIENCE = 20000; // ms, until what was pressed is given up
const CONFIRMING = "Your labels will be signed ";
const linked = new URLSearchParams(window.location.search);
let view = null, waiting = [], busy = null, serial = 0, doubted = false, offline = false;
let sent = null; // the last request, with the run and annotator that it was meant for
let runKey = linked.get("tab") === "grader" ? linked.get("run") : null; // of the run, the same on all machines
let tabbed = false, digits = "", lastDigit = null;
let held = null; // waits for the items of a name that was typed a moment ago
let left = JSON.parse(sessionStorage.getItem(PENDING) || "null");

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function withKey(button, key) {
  button.append(make("kbd", key));
  return button;
}

// One request at a time: what is pressed before the last one is stored waits, and is read as meant for what is then shown.
// What waits is a key, or an action with its details; both survive a reload of the page.

function whenFree(pressed) {
  waiting.push(pressed);
  remember();
  goOn();
}

function goOn() {
  while (!busy && !held && waiting.length) {
    if (view && !isTyped(view)) return hold();
    const pressed = waiting.shift();
    if (typeof pressed === "string") obey(pressed);
    else press(pressed.action, pressed);
  }
}

function press(action, details = {}) {
  if (view && view.proposed && STORED.includes(action) && !details.confirmed) return confirmName(action, details);
  const client_id = crypto.randomUUID ? crypto.randomUUID() : null;
  const meant = { run: view && view.run, annotator: view && view.annotator, place: view && view.place };
  send({ ...meant, client_id, ...details, action });
}

function send(payload) {
  busy = ++serial;
  sent = { ...payload, serial: busy };
  remember();
  trigger("press", sent);
  const mine = busy;
  setTimeout(() => mine === busy && probe(mine), 600);
  setTimeout(() => mine === busy && lose(), PATIENCE);
}

function remember() {
  if (busy || waiting.length) sessionStorage.setItem(PENDING, JSON.stringify({ sent, waiting }));
  else sessionStorage.removeItem(PENDING);
}

// Whether the app is there, when a key has no answer yet; the key is sent again once it is back.
async function probe(mine) {
  let there = true;
  const address = new URL("gradio_api/app_id", window.location.origin + window.location.pathname.replace(/[^/]*$/, ""));
  await fetch(address, { cache: "no-store" }).catch(() => (there = false));
  if (mine !== busy) return;
  if (there && offline) {
    offline = false;
    tell("");
    return send(sent); // with the client_id that it had: it is stored once
  }
  if (there) return tell("Saving …");
  offline = doubted = true;
  tell("No connection: your last key waits and is sent again. Further keys are not taken until it is back.", true);
  setTimeout(() => mine === busy && probe(mine), 1000);
}

// A name that the page proposed signs nothing before it was confirmed once; what was pressed is then sent.
function confirmName(action, details) {
  tell(`${CONFIRMING}${view.annotator}. `);
  const place = view.place, confirm = make("button", "Sign them so", { type: "button" });
  confirm.addEventListener("click", () => whenFree({ place, ...details, action, confirmed: true }));
  find("said").append(confirm, " Or type your own name.");
  confirm.focus();
}

const typedName = () => document.querySelector("#grader-name input, #grader-name textarea").value.trim();

const isTyped = (value) => value.typed.trim() === typedName();

// Another name is typed than the one whose item is here: its items are on their way, and what was pressed waits for them.
function hold() {
  held = setTimeout(() => (held = null) ?? fail("Your name is not taken yet: press Enter in its field."), PATIENCE);
}

function release() {
  clearTimeout(held);
  held = null;
}

function lose() {
  if (offline) return;
  doubted = true; // whether it was stored
  fail("No answer from the server: nothing more is stored until it is back. Press the key again.");
}

function fail(message) {
  busy = null;
  waiting = [];
  remember();
  tell(message, true);
}

// Nothing can be labelled: no run, or no name.
function missing(message) {
  view = null;
  for (const part of ["item", "moves", "undecided"]) find(part).hidden = true;
  find("progress").textContent = "Choose a run and type your name.";
  find("bar").firstChild.style.width = 0;
  fail("");
  window.a3?.refuse("screen-grader", message);
}

function tell(message, failed = false) {
  find("said").textContent = message;
  find("said").classList.toggle("failed", failed);
}

function receive() {
  const value = props.value;
  if (!value || typeof value !== "object") return;
  const answers = value.serial !== undefined;
  if (!answers && view && isTyped(view) && !isTyped(value)) return; // late: another name was typed since, and is here
  offerNames(value.names);
  runKey = value.key ?? runKey;
  const stands = !doubted && view && view.place && QUEUE.every((name) => String(value[name]) === String(view[name]));
  if (!answers && stands) { // only keys move on
    // what counts the labels is taken over, unless a key has stored one since it was counted
    if (value.newest >= view.newest) {
      for (const name of ["progress", "done", "undecided", "newest"]) view[name] = value[name];
      drawProgress();
    }
    release();
    return goOn();
  }
  if (answers && value.serial === busy) busy = null;
  remember();
  if (answers && isLate(value)) return goOn();
  if (value.error) return answers ? fail(value.error) : missing(value.error);
  // by a list or a box, after which keys are labels again; a search leaves the focus to who searches
  const isChosen = view && QUEUE.some((name) => name !== "search" && String(value[name]) !== String(view[name]));
  const moved = !view || !value.place || !view.place || String(view.place) !== String(value.place);
  doubted = offline = false;
  if (!answers) release();
  window.a3?.refuse("screen-grader", "");
  view = value;
  drawHead();
  if (value.place) draw(moved);
  writeAddress();
  if (!answers && isChosen && !isIn("#grader-search, #grader-name")) takeFocus();
  if (!answers) return restore();
  goOn();
}

function drawProgress() {
  find("progress").textContent = view.progress || "";
  find("bar").firstChild.style.width = `${100 * view.done}%`;
  drawUndecided();
}

function drawHead() {
  tell(view.said || "");
  find("item").hidden = !view.place;
  find("moves").hidden = false;
  drawProgress();
}

// The answer to a key in a run, or by a name, that has been changed for another one since.
function isLate(value) {
  const isOf = (other) => view && other.run === sent.run && other.annotator === sent.annotator;
  return isOf(value) && !isOf(view);
}

// After a reload: what was pressed last is sent again; else the page's address names the item.
function restore() {
  const isLeft = left && left.sent && left.sent.run === view.run && left.sent.annotator === view.annotator;
  const item = linked.get("tab") === "grader" && linked.get("run") === runKey && linked.get("item");
  if (isLeft) {
    waiting = left.waiting;
    send(left.sent);
  } else if (item && item !== String(view.number)) press("jump", { to: item });
  left = null;
  linked.delete("item");
  goOn();
}

function writeAddress() {
  if (!element.offsetParent || !view.place || !runKey) return;
  const state = { tab: "grader", run: runKey, item: view.number };
  const current = new URLSearchParams(window.location.search), query = new URLSearchParams();
  if (current.has("__theme")) query.set("__theme", current.get("__theme"));
  for (const [name, value] of Object.entries(state)) query.set(name, value);
  const isOurs = current.get("tab") === "grader"; // whose labels the report counts (a3core/ui/grader/write_link.js)
  for (const [name, value] of current) if (isOurs && ["by", "adjudicated"].includes(name)) query.append(name, value);
  window.history.replaceState(window.history.state, "", `${window.location.pathname}?${query}`);
}

const isIn = (selector) => Boolean(document.activeElement?.closest(selector));

function takeFocus() {
  if (element.offsetParent) find("grading").focus({ preventScroll: true });
}

// Names that have labelled before are offered in the field.
function offerNames(names) {
  const field = document.querySelector("#grader-name input, #grader-name textarea");
  if (!names || !field) return;
  const list = make("datalist", "", { id: "grader-names" });
  list.append(...names.map((name) => make("option", "", { value: name })));
  document.getElementById("grader-names")?.remove();
  element.append(list);
  field.setAttribute("list", "grader-names");
}

function draw(moved) {
  const isInside = isIn("#grading") && !isIn(".note, .jump");
  if (!isIn(".jump")) find("jump").value = view.number; // what is being typed stays
  find("total").textContent = `of ${view.total.toLocaleString("en")}`;
  find("matching").textContent = view.matching === null || view.adjudicate ? "" : `${view.matching.toLocaleString("en")} of the kind chosen`;
  find("noted").hidden = find("flag").hidden = view.adjudicate;
  find("question").textContent = view.question;
  find("missing").hidden = view.lines.length > 0;
  find("steps").hidden = !view.lines.length;
  find("nowrong").setAttribute("aria-pressed", view.first_wrong_step === "none");
  find("steps").classList.toggle("differs", Boolean(view.differing.first_wrong_step));
  find("lines").replaceChildren(...view.lines.map(drawLine));
  find("answer").replaceChildren(...drawAnswer());
  find("questions").replaceChildren(...view.questions.map(drawQuestion));
  find("others").replaceChildren(...view.others.map((o) => make("li", `${o.annotator}: ${o.field} is ${o.value}`)));
  find("conflicts").replaceChildren(...view.conflicts.map(drawConflict));
  find("flag").setAttribute("aria-pressed", view.flag === "yes");
  if (moved || document.activeElement !== find("note")) find("note").value = view.note;
  if (moved) find("lines").scrollTop = find("item").scrollTop = 0;
  if (moved) digits = "";
  drawKeys();
  if (isInside) takeFocus(); // the button that had it is drawn anew
}

function drawLine(line, i) {
  const item = make("li", ""), wrong = view.first_wrong_step === String(i + 1);
  item.classList.toggle("wrong", wrong);
  const mark = make("button", wrong ? "first wrong step" : "wrong from here", { type: "button", "aria-pressed": wrong });
  mark.className = "bare";
  withKey(mark, String(i + 1)).addEventListener("click", () => whenFree(buildStep(i + 1)));
  item.append(make("span", line), mark);
  return item;
}

function drawAnswer() {
  if (!view.revealed) return [];
  const rows = [["answer", view.answer || "(none)"], ["gold answer", view.gold_answer ?? "(unknown)"]];
  if (view.suggestion) rows.push(["suggestion", `${view.suggestion.value}: ${view.suggestion.why}`]);
  rows.push(["prompt kind", view.prompt_kind], ["model", view.model || "(unknown)"], ["id", view.id]);
  return rows.flatMap(([name, text]) => [make("dt", name), make("dd", text)]);
}

function drawQuestion(question) {
  const box = document.createElement("fieldset");
  box.disabled = question.locked;
  box.dataset.field = question.field;
  box.append(make("legend", question.text));
  if (question.locked) {
    box.append(make("span", "The answer is hidden until the explanation is judged.", { class: "locked" }));
    return box;
  }
  for (const choice of question.choices) {
    const button = make("button", choice.value, { type: "button", "aria-pressed": question.label === choice.value });
    button.addEventListener("click", () => choose(question, choice.value));
    box.append(withKey(button, choice.key));
  }
  return markDiffering(box, question.field);
}

// What annotators answered differently, beside the question that an adjudicator decides.
function markDiffering(box, field) {
  const values = view.differing[field];
  if (!values) return box;
  box.classList.add("differs");
  box.append(make("span", values.map(([name, value]) => `${name}: ${value}`).join(" · "), { class: "differing" }));
  return box;
}

// Labels of one annotator that two machines have differently: how many, and of this item which; one click decides.

function drawUndecided() {
  const count = view.undecided, line = find("undecided");
  line.hidden = !count;
  const show = make("button", "show the next", { type: "button" });
  show.addEventListener("click", () => whenFree({ action: "conflict" }));
  line.replaceChildren(`${count} ${count === 1 ? "label was" : "labels were"} given differently on two machines. `, show);
}

function drawConflict(conflict) {
  const line = make("p", `${conflict.field} was given differently on two machines: `);
  for (const value of conflict.values) {
    const button = make("button", value || "(taken back)", { type: "button" });
    button.addEventListener("click", () => whenFree({ action: "label", field: conflict.field, value }));
    line.append(button);
  }
  return line;
}

function drawKeys() {
  const labels = view.questions.flatMap((q) => q.choices.map((choice) => [choice.key, `${q.field}: ${choice.value}`]));
  find("keys").querySelector("dl").replaceChildren(...[...labels, ...HELP].flatMap(([key, text]) => {
    const term = document.createElement("dt");
    term.append(make("kbd", key));
    return [term, make("dd", text)];
  }));
}

