// The laboratory's settings: a claim, and its parameters, each as a slider and as the number itself.
// props.value is { claims: [{ id, title, sliders }] } once, then { error } after each run.

const find = (name) => element.querySelector(`.${name}`);
const SAMPLING = ["draws", "seed"]; // how a claim is sampled is folded away
let claims = null, claim = null, parameters = {}, timer = 0;

const make = (tag, fields) => Object.assign(document.createElement(tag), fields);
const shorten = (value) => Number(value.toPrecision(4));
const toPosition = (slider, value) => (slider.log ? Math.log10(value) : value);
const toValue = (slider, position) => (slider.log ? shorten(10 ** position) : Number(position));
const presets = () => Object.fromEntries(claim.sliders.map((slider) => [slider.name, slider.preset]));

function run() {
  clearTimeout(timer);
  writeAddress();
  timer = setTimeout(() => trigger("run", { claim: claim.id, parameters }), 40);
}

function buildSlider(slider) {
  const box = make("div", { className: "slider" }), id = `lab-${slider.name}`;
  const range = make("input", { type: "range", min: toPosition(slider, slider.minimum), max: toPosition(slider, slider.maximum), step: slider.step });
  const number = make("input", { type: "number", step: "any", id });
  range.value = toPosition(slider, parameters[slider.name]);
  number.value = parameters[slider.name];
  range.setAttribute("aria-label", `${slider.label}, slider`);
  range.setAttribute("aria-valuetext", number.value);
  range.addEventListener("input", () => {
    const value = toValue(slider, Number(range.value));
    parameters[slider.name] = Math.min(Math.max(value, slider.minimum), slider.maximum);
    number.value = parameters[slider.name];
    range.setAttribute("aria-valuetext", number.value);
    run();
  });
  number.addEventListener("input", () => {
    parameters[slider.name] = number.value === "" ? null : Number(number.value); // what is out of range is refused, in words
    if (parameters[slider.name] > 0 || !slider.log) range.value = toPosition(slider, parameters[slider.name] ?? slider.preset);
    run();
  });
  box.append(make("label", { htmlFor: id, textContent: slider.label }), number, range);
  return box;
}

function choose(id, values) {
  claim = claims.find((each) => each.id === id) ?? claims[0];
  parameters = { ...presets(), ...values };
  for (const radio of element.querySelectorAll("[name=lab-claim]")) radio.checked = radio.value === claim.id;
  const boxes = claim.sliders.map((slider) => [slider, buildSlider(slider)]);
  const [main, folded] = element.querySelectorAll(".sliders");
  main.replaceChildren(...boxes.filter(([slider]) => !SAMPLING.includes(slider.name)).map(([, box]) => box));
  folded.replaceChildren(...boxes.filter(([slider]) => SAMPLING.includes(slider.name)).map(([, box]) => box));
}

// The page's address brings the claim and its changed parameters back.

function writeAddress() {
  const url = new URL(window.location.href), preset = presets();
  const changed = Object.fromEntries(Object.entries(parameters).filter(([key, value]) => value !== preset[key]));
  for (const key of [...url.searchParams.keys()]) if (!key.startsWith("__")) url.searchParams.delete(key);
  url.searchParams.set("tab", "attention");
  url.searchParams.set("claim", claim.id);
  if (Object.keys(changed).length) url.searchParams.set("parameters", JSON.stringify(changed));
  window.history.replaceState(window.history.state, "", url);
}

function readAddress() {
  const query = new URLSearchParams(window.location.search);
  try {
    const values = JSON.parse(query.get("parameters") || "{}"), known = claims.find((each) => each.id === query.get("claim"));
    if (!known) return null;
    const names = new Set(known.sliders.map((slider) => slider.name));
    return [known.id, Object.fromEntries(Object.entries(values).filter(([key, value]) => names.has(key) && typeof value === "number"))];
  } catch {
    return null;
  }
}

function receive() {
  const value = props.value;
  if (!value) return;
  if (value.claims && !claims) {
    claims = value.claims;
    for (const each of claims) {
      const radio = make("input", { type: "radio", name: "lab-claim", value: each.id });
      const label = make("label");
      radio.addEventListener("change", () => (choose(each.id), run()));
      label.append(radio, make("span", { textContent: `${each.id} ${each.title}` }));
      find("claims").append(label);
    }
    const linked = readAddress();
    choose(...(linked ?? [claims[0].id]));
    if (linked) run();
  } else if ("error" in value) {
    find("refusal").textContent = value.error;
    document.getElementById("lab-results")?.classList.toggle("refused", Boolean(value.error));
  }
}

find("reset").addEventListener("click", () => (choose(claim.id), run()));
find("lab").addEventListener("submit", (event) => event.preventDefault());
watch("value", receive);
receive();
