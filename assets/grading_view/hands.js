// What hands do in the grading view: keys, clicks and the fields that a key opens.

function choose(question, value) {
  whenFree({ action: "label", field: question.field, value, place: view.place });
}

function buildStep(number) {
  const value = number === 0 ? "none" : String(number);
  return { action: "label", field: "first_wrong_step", value: view.first_wrong_step === value ? "" : value };
}

// Of ten steps and more, a digit waits for the next one while both together can name a step.
function pressDigit(digit) {
  clearTimeout(lastDigit);
  digits += digit;
  const number = Number(digits);
  if (!number || number * 10 > view.lines.length) return obeyDigits();
  tell(`Step ${digits} … type a further digit, or wait.`);
  lastDigit = setTimeout(() => digits && obeyDigits(), 900);
}

function obeyDigits() {
  const number = Number(digits), last = view.lines.length;
  clearTimeout(lastDigit);
  digits = "";
  if (last && number <= last) return press("label", buildStep(number));
  tell(last ? `There is no step ${number}: the explanation has ${last}.` : "There is no explanation.", true);
}

function saveNote() {
  const value = find("note").value.trim(), place = view && view.place;
  if (place && !view.adjudicate && value !== view.note) whenFree({ action: "label", field: "note", value, place });
}

function toggleHelp() {
  const hidden = (find("keys").hidden = !find("keys").hidden);
  find("help").setAttribute("aria-expanded", !hidden);
}

let entered = ""; // what the field held when it got the focus
const isTyping = (target) => target.closest(`${TEXT}, ${TYPED}`);

function onKey(event) {
  tabbed = event.key === "Tab" || (tabbed && event.key !== "Escape");
  if (!element.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTyping(event.target)) return leaveField(event);
  if (!view || isNative(event)) return;
  if (offline) return event.preventDefault();
  if (show(event.key) || (isKey(event.key) && (whenFree(event.key), true))) event.preventDefault();
}

// A control that was reached with Tab is pressed by Enter; radios and sliders then move by arrows.
function isNative({ key, target }) {
  if (key === "Enter") return target.closest(".said") || (tabbed && target.closest("button, a, summary, [role='tab'], input"));
  return tabbed && key.startsWith("Arrow") && target.closest("input, [role='tab']");
}

// Esc leaves a field or a list, and Enter a field of ours, at once: the next key is a label again.
function leaveField(event) {
  const { key, target } = event;
  const isLeft = key === "Escape" && target.closest("#grading, #screen-grader .a3-settings");
  const isEntered = key === "Enter" && target !== find("note") && target.closest("#grading, #grader-search, #grader-name");
  if (!isLeft && !isEntered) return;
  if (key === "Escape" && target.matches("[role='combobox']")) restoreText(target); // what was begun is no choice
  if (key === "Enter" && target === find("jump")) whenFree({ action: "jump", to: target.value });
  event.preventDefault();
  target.blur();
  takeFocus();
}

function restoreText(field) {
  field.value = entered;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// What needs no request does not wait for one.
function show(key) {
  if (key === "?") return toggleHelp(), true;
  if (key === "/") return openSearch(), true;
  if (!view.place) return false;
  if (key === "e" && !view.adjudicate) return find("note").focus(), true;
  return key === "#" ? (find("jump").select(), true) : false;
}

function openSearch() {
  const field = document.querySelector("#grader-search input, #grader-search textarea");
  if (!field.offsetParent) document.querySelector("#screen-grader .a3-more").click();
  field.focus();
  field.select();
}

const isKey = (key) => Boolean(MOVES[key]) || (key.length === 1 && key !== " ");

function obey(key) {
  if (/^[0-9]$/.test(key)) return view.place && pressDigit(key);
  if (digits) {
    waiting.unshift(key); // it waits for the step
    return obeyDigits();
  }
  if (MOVES[key]) return press(MOVES[key]);
  if (!view.place) return;
  if (key === "g" && !view.adjudicate) return press("label", { field: "flag", value: view.flag === "yes" ? "" : "yes" });
  if (key === "r") return press("stay");
  for (const question of view.questions)
    for (const choice of question.choices)
      if (choice.key === key) return press("label", { field: question.field, value: choice.value });
}

find("nowrong").addEventListener("click", () => view && whenFree(buildStep(0)));
find("note").addEventListener("change", saveNote);
window.addEventListener("pagehide", saveNote); // a page that the app's restart loads anew sends it
find("jump").addEventListener("blur", () => view?.place && (find("jump").value = view.number));
find("flag").addEventListener("click", () => view && view.place && whenFree("g"));
find("help").addEventListener("click", toggleHelp);
find("moves").addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (button && view) whenFree({ action: button.dataset.move });
});
document.addEventListener("keydown", onKey);
document.addEventListener("focusin", ({ target }) => (entered = target.value ?? ""));
document.addEventListener("pointerdown", () => (tabbed = false), true);
watch("value", receive);
receive();
