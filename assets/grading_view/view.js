// The grading view: one item, its questions, and a keyboard. All text is written as text.

const find = (name) => element.querySelector(`.${name}`);
const MOVES = { Enter: "next", ArrowRight: "next", ArrowLeft: "back", b: "back", s: "skip", z: "undo", Z: "redo" };
const HELP = [
  ["Enter or →", "next"], ["b or ←", "back"], ["s", "skip: it comes back when nothing else is left"],
  ["z", "undo, as far back as you like"], ["Shift z", "redo"], ["1 … 9", "the first wrong step"], ["0", "no step is wrong"],
  ["r", "reveal the answer (once the explanation is judged)"], ["g", "flag for later"], ["e", "write a note"], ["?", "these keys"],
];
const QUEUE = ["run", "annotator", "version", "order", "only", "blind", "adjudicate"];
const STORED = ["label", "undo", "redo"];
let view = null, waiting = [], busy = null, serial = 0, doubted = false;
let sent = null; // the run and annotator that the last request was meant for

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

function whenFree(act) {
  waiting.push(act);
  goOn();
}

function goOn() {
  while (!busy && waiting.length) waiting.shift()();
}

function press(action, told = {}) {
  if (view && view.proposed && STORED.includes(action) && !told.confirmed) return confirmName(action, told);
  busy = ++serial;
  sent = { run: view && view.run, annotator: view && view.annotator };
  const client_id = crypto.randomUUID ? crypto.randomUUID() : null;
  trigger("press", { ...sent, action, place: view && view.place, client_id, serial: busy, ...told });
  const mine = busy;
  setTimeout(() => mine === busy && lose(), 20000);
}

// A name that the page proposed signs nothing before it was confirmed once; what was pressed is then sent.
function confirmName(action, told) {
  tell(`Your labels will be signed ${view.annotator}. `);
  const place = view.place, confirm = make("button", "Sign them so", { type: "button" });
  confirm.addEventListener("click", () => whenFree(() => press(action, { place, ...told, confirmed: true })));
  find("said").append(confirm, " Or type your own name.");
  confirm.focus();
}

function lose() {
  doubted = true; // whether it was stored
  fail("No answer from the server: nothing more is stored until it is back. Press the key again.");
}

function fail(message) {
  busy = null;
  waiting = [];
  tell(message, true);
}

// Nothing can be labelled: no run, or no name.
function missing(message) {
  view = null;
  find("item").hidden = true;
  find("progress").textContent = "";
  fail(message);
}

function tell(message, failed = false) {
  find("said").textContent = message;
  find("said").classList.toggle("failed", failed);
}

function receive() {
  const value = props.value;
  if (!value || typeof value !== "object") return;
  const answers = value.serial !== undefined;
  const stands = !doubted && view && view.place && QUEUE.every((name) => value[name] === view[name]);
  if (!answers && stands) { // only keys move on
    view.undecided = value.undecided;
    return drawUndecided();
  }
  if (answers && value.serial === busy) busy = null;
  if (answers && isLate(value)) return goOn();
  if (value.error) return answers ? fail(value.error) : missing(value.error);
  doubted = false;
  const moved = !view || !value.place || !view.place || String(view.place) !== String(value.place);
  view = value;
  find("progress").textContent = value.progress || "";
  tell(value.said || "");
  find("item").hidden = !value.place;
  drawUndecided();
  if (value.place) draw(moved);
  goOn();
}

// The answer to a key in a run, or by a name, that has been changed for another one since.
function isLate(value) {
  const isOf = (other) => view && other.run === sent.run && other.annotator === sent.annotator;
  return isOf(value) && !isOf(view);
}

function draw(moved) {
  find("question").textContent = view.question;
  find("missing").hidden = view.lines.length > 0;
  find("steps").hidden = !view.lines.length;
  find("nowrong").setAttribute("aria-pressed", view.first_wrong_step === "none");
  find("lines").replaceChildren(...view.lines.map(drawLine));
  find("answer").replaceChildren(...drawAnswer());
  find("questions").replaceChildren(...view.questions.map(drawQuestion));
  find("others").replaceChildren(...view.others.map((o) => make("li", `${o.annotator}: ${o.field} is ${o.value}`)));
  find("conflicts").replaceChildren(...view.conflicts.map(drawConflict));
  find("flag").setAttribute("aria-pressed", view.flag === "yes");
  if (moved || document.activeElement !== find("note")) find("note").value = view.note;
  if (moved) element.querySelector(".lines").scrollTop = 0;
  drawKeys();
}

function drawLine(line, i) {
  const item = make("li", line), wrong = view.first_wrong_step === String(i + 1);
  item.classList.toggle("wrong", wrong);
  const mark = make("button", wrong ? "first wrong step" : "wrong from here", { type: "button", "aria-pressed": wrong });
  if (i < 9) withKey(mark, String(i + 1));
  mark.addEventListener("click", () => whenFree(() => markStep(i + 1)));
  item.append(mark);
  return item;
}

function drawAnswer() {
  if (!view.revealed) return [make("dd", "The answer is hidden until the explanation is judged.", { class: "locked" })];
  const rows = [["answer", view.answer || "(none)"], ["gold answer", view.gold_answer ?? "(unknown)"]];
  if (view.suggestion) rows.push(["suggestion", `${view.suggestion.value}: ${view.suggestion.why}`]);
  rows.push(["prompt kind", view.prompt_kind], ["model", view.model || "(unknown)"]);
  return rows.flatMap(([name, text]) => [make("dt", name), make("dd", text)]);
}

function drawQuestion(question) {
  const box = document.createElement("fieldset");
  box.disabled = question.locked;
  box.dataset.field = question.field;
  box.append(make("legend", question.text));
  for (const choice of question.choices) {
    const button = make("button", choice.value, { type: "button", "aria-pressed": question.label === choice.value });
    button.addEventListener("click", () => whenFree(() => choose(question, choice.value)));
    box.append(withKey(button, choice.key));
  }
  return box;
}

// Labels of one annotator that two machines have differently: how many, and of this item which; one click decides.

function drawUndecided() {
  const count = view.undecided, line = find("undecided");
  line.hidden = !count;
  const show = make("button", "show the next", { type: "button" });
  show.addEventListener("click", () => whenFree(() => press("conflict")));
  line.replaceChildren(`${count} ${count === 1 ? "label was" : "labels were"} given differently on two machines. `, show);
}

function drawConflict(conflict) {
  const line = make("p", `${conflict.field} was given differently on two machines: `);
  for (const value of conflict.values) {
    const button = make("button", value || "(taken back)", { type: "button" });
    button.addEventListener("click", () => whenFree(() => press("label", { field: conflict.field, value })));
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

// What hands do

function choose(question, value) {
  press("label", { field: question.field, value });
}

function markStep(number) {
  const value = number === 0 ? "none" : String(number);
  if (number <= view.lines.length) press("label", { field: "first_wrong_step", value: view.first_wrong_step === value ? "" : value });
}

function saveNote() {
  const value = find("note").value.trim(), place = view && view.place;
  if (place && value !== view.note) whenFree(() => press("label", { field: "note", value, place }));
}

function toggleHelp() {
  const hidden = (find("keys").hidden = !find("keys").hidden);
  find("help").setAttribute("aria-expanded", !hidden);
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable='true'], [role='listbox'], [role='grid']");
}

function onKey(event) {
  if (!element.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && document.activeElement === find("note")) return find("note").blur();
  if (isTyping(event.target) || !view) return;
  if (event.key === "Enter" && event.target.closest("button, a, summary, [role='tab']")) return; // it presses that
  if (show(event.key) || (busy ? wait(event.key) : obey(event.key))) event.preventDefault();
}

// What needs no request does not wait for one.
function show(key) {
  if (key === "?") return toggleHelp(), true;
  return key === "e" && view.place ? (find("note").focus(), true) : false;
}

function wait(key) {
  const meant = MOVES[key] || key.length === 1;
  if (meant) whenFree(() => obey(key));
  return meant;
}

function obey(key) {
  if (MOVES[key]) return press(MOVES[key]), true;
  if (!view.place) return false;
  if (/^[0-9]$/.test(key)) return markStep(Number(key)), true;
  if (key === "g") return press("label", { field: "flag", value: view.flag === "yes" ? "" : "yes" }), true;
  if (key === "r") return press("stay"), true;
  for (const question of view.questions)
    for (const choice of question.choices) if (choice.key === key) return choose(question, choice.value), true;
  return false;
}

find("nowrong").addEventListener("click", () => view && whenFree(() => markStep(0)));
find("note").addEventListener("change", saveNote);
find("flag").addEventListener("click", () => view && view.place && whenFree(() => obey("g")));
find("help").addEventListener("click", toggleHelp);
find("moves").addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (button && view) whenFree(() => press(button.dataset.move));
});
document.addEventListener("keydown", onKey);
watch("value", receive);
receive();
