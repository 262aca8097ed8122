// Of the result's own buttons and of the answers in the prompt, which can be written over.
const EVENTS = ["attend", "leave_out", "swap", "measure"];
element.addEventListener("click", (event) => {
  const { copy, event: name } = event.target.closest("[data-event], [data-copy]")?.dataset ?? {};
  if (copy) navigator.clipboard.writeText(copy);
  else if (EVENTS.includes(name)) trigger(name);
});
element.addEventListener("change", (event) =>
  event.target.dataset.id && trigger("edit", { id: event.target.dataset.id, answer: event.target.value }));
element.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.dataset.id) return;
  event.target.blur();
  trigger("ask");
});
