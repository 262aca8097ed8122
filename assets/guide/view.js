// The header: tour, light and dark. Below it the states of all screens, without a request. EVENTS names the tour's steps.

const steps = [...element.querySelectorAll("#guide li button")];
const find = (selector) => element.querySelector(selector);
let now = -1;

function take(position) {
  now = position;
  steps.forEach((step, i) => {
    if (i === now) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
    step.classList.toggle("taken", i <= now);
  });
  find("#guide > b").textContent = `${now + 1} of ${steps.length} · ${steps[now].dataset.verb}`;
  find("#guide [role=status]").textContent = steps[now].dataset.look;
  find("#guide .next").textContent = now + 1 < steps.length ? `Next: ${steps[now + 1].dataset.verb.toLowerCase()}` : "End";
  trigger(EVENTS[now]);
}

function turn(on) {
  find("#guide").dataset.on = on ? "1" : "0";
  find("#a3-tour").setAttribute("aria-expanded", on);
  (on ? find("#guide .next") : find("#a3-tour")).focus();
}

function turnLight() {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem("a3-mode", dark ? "dark" : "light");
}

const remembered = localStorage.getItem("a3-mode");
if (remembered && !location.search.includes("__theme")) document.body.classList.toggle("dark", remembered === "dark");
steps.forEach((step, i) => step.addEventListener("click", () => take(i)));
find("#a3-tour").addEventListener("click", () => turn(find("#guide").dataset.on !== "1"));
find("#guide .end").addEventListener("click", () => turn(false));
find("#guide .next").addEventListener("click", () => (now + 1 < steps.length ? take(now + 1) : turn(false)));
find("#a3-mode").addEventListener("click", turnLight);
// The link alone would load the page anew, for it is read from the page's <base>, which has no tab and no item.
find(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#a3-tabs [role=tab][aria-selected=true]")?.focus();
});
element.addEventListener("keydown", (event) => event.key === "Escape" && find("#guide").dataset.on === "1" && turn(false));

// A screen's result belongs to what its settings held when it came: stale is when they hold something else.

const settled = new WeakMap();
const read = (screen) =>
  JSON.stringify(
    [...screen.querySelectorAll(":is(.a3-settings, .a3-editable) :is(input, textarea, select)")]
      .filter((field) => !field.closest(".a3-quiet-field"))
      .map((field) => (/radio|checkbox/.test(field.type) ? field.checked : field.value)),
  );
const compare = (screen) => screen.toggleAttribute("data-stale", settled.has(screen) && read(screen) !== settled.get(screen));
const get = (id) => document.getElementById(id);

function settle(screen) {
  settled.set(screen, read(screen));
  screen.removeAttribute("data-stale");
  screen.removeAttribute("data-busy");
}

function buildError(sentence) {
  const error = Object.assign(document.createElement("p"), { className: "a3-error", textContent: sentence });
  error.setAttribute("role", "alert");
  return error;
}

function showError(screen, sentence) {
  screen.querySelector(".a3-field .a3-error")?.remove();
  if (sentence) screen.querySelector(".a3-field").append(buildError(sentence));
}

// A tab that is not yet opened has no screen on the page.
const call = (id, change) => get(id) && change(get(id));
// A screen is busy until the last of its runs has ended.
const runs = {};
const end = (id, change) => ((runs[id] = Math.max(0, (runs[id] ?? 0) - 1)), runs[id] || call(id, change));
// Gradio draws a section when it is opened, and fills a field before the button reads it.
const press = (id, tries = 40) =>
  setTimeout(() => (get(id) ? get(id).querySelector("button.primary").click() : tries && press(id, tries - 1)), 100);

window.a3 = {
  start: (id) => {
    runs[id] = (runs[id] ?? 0) + 1;
    call(id, (screen) => (screen.querySelector(".a3-error")?.remove(), screen.setAttribute("data-busy", "")));
  },
  settle: (id) => setTimeout(() => end(id, settle), 150), // once the fields that a program fills are drawn
  fail: (id, sentence) =>
    end(id, (screen) => (screen.removeAttribute("data-busy"), compare(screen), sentence && showError(screen, sentence))),
  compare: (id) => setTimeout(() => call(id, compare), 150), // after a program has filled fields without an answer
  press,
  refuse: (id, sentence) => call(id, (screen) => showError(screen, sentence)), // "" takes it away
};

for (const kind of ["input", "change", "focusout"])
  document.addEventListener(
    kind,
    (event) => {
      const screen = event.target.closest?.(".a3-settings, .a3-editable")?.closest(".a3-screen");
      if (!screen) return;
      if (kind === "input") screen.querySelector(".a3-error")?.remove();
      setTimeout(() => compare(screen), 60);
    },
    true,
  );

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.classList.contains("ask-again")) button.closest(".a3-screen").querySelector("button.primary").click();
  if (button?.classList.contains("a3-more"))
    button.setAttribute("aria-expanded", button.closest(".a3-settings").toggleAttribute("data-open"));
});

// What went wrong is beside the main field of a busy screen; else below the control that was used last, until the next.
let used = null;
for (const kind of ["click", "change"])
  document.addEventListener(
    kind,
    (event) => {
      const control = event.target.closest?.("button, .block");
      if (!control || control.closest("[data-testid=toast-body]")) return;
      document.querySelector(".a3-error.below")?.remove();
      used = control;
    },
    true,
  );

function takeToast(toast) {
  if (!toast.classList.contains("error")) return;
  const sentence = (toast.querySelector("[data-testid=toast-text]") ?? toast).textContent.trim();
  const screen = [...document.querySelectorAll(".a3-screen[data-busy]")].find((each) => each.querySelector(".a3-field"));
  if (screen) showError(screen, sentence);
  else if (used?.offsetParent) {
    const error = buildError(sentence);
    error.classList.add("below");
    (used.closest(".row, [role=tablist]") ?? used).after(error);
  } else return;
  toast.closest(".toast-body, [data-testid=toast-body]").querySelector(".toast-close, button")?.click();
  toast.style.display = "none";
}

// Who waits for a long job reads how many wait before. Gradio writes "queue: 2/3", into text that stays its own.
function tellPosition(line) {
  const position = Number(/^\s*queue: (\d+)\//.exec(line.textContent)?.[1] ?? 0), words = line.querySelector(".a3-before");
  const text = ["", "You are next", "1 waits before you"][position] ?? `${position - 1} wait before you`;
  if (!text) return words?.remove();
  if (!words) line.append(Object.assign(document.createElement("span"), { className: "a3-before", role: "status" }));
  if (words?.textContent !== text) line.querySelector(".a3-before").textContent = text;
}

new MutationObserver(() => {
  document.querySelectorAll(".progress-text").forEach(tellPosition);
  document.querySelectorAll("[data-testid=toast-body]:not([data-read])").forEach((toast) => {
    toast.setAttribute("data-read", "");
    takeToast(toast);
  });
  document.querySelectorAll(".a3-screen").forEach((screen) => {
    if (!settled.has(screen) && screen.querySelector(".a3-settings :is(input, textarea)")) {
      settled.set(screen, read(screen));
      if (runs[screen.id]) screen.setAttribute("data-busy", ""); // its action began before it was drawn
      setTimeout(() => runs[screen.id] || settle(screen), 300);
    }
  });
}).observe(document.body, { childList: true, subtree: true, characterData: true });
