// The guided path: a click on a step marks it, says what to look at, and has the server run it. EVENTS names the steps.

const steps = [...element.querySelectorAll("button")], wide = window.matchMedia("(min-width: 640px)").matches;

function take(button) {
  for (const step of steps) step.removeAttribute("aria-current");
  button.setAttribute("aria-current", "step");
  button.classList.add("taken");
  element.querySelector("[role=status]").textContent = button.dataset.look;
  // the strip sticks to the top from now on: what is brought into sight, or has the focus, is not under it
  if (wide) document.documentElement.style.scrollPaddingTop = `${element.offsetHeight + 16}px`;
  trigger(EVENTS[steps.indexOf(button)]);
}

for (const button of steps) button.addEventListener("click", () => take(button));
element.querySelector("details").open = wide; // on a phone the tabs come first
