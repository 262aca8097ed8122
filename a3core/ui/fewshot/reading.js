// An answer of the table opens its prompt.
element.addEventListener("click", (event) => {
  const { id, cell } = event.target.closest("[data-cell]")?.dataset ?? {};
  if (cell) trigger("open", { id, cell });
});
