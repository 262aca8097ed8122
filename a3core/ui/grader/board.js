// Opens a number, or leads to labelling; the board is drawn anew with each report.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open]");
  if (button) trigger("opened", { open: JSON.parse(button.dataset.open) });
  if (event.target.closest(".to-label")) trigger("labelled");
});
