element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (button) trigger("changed", { step: Number(button.dataset.step), which: Number(button.dataset.which) });
});
