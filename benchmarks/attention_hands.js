// In the page, on a pattern that is drawn: 24 heads are chosen, then 120 cells are pointed at.
// Returns the milliseconds until each was on the screen, [heads, cells].
async () => {
  const view = document.querySelector("#pattern-first"), find = (name) => view.querySelector(name), heads = [], cells = [];
  const isThere = (layer, head) => find(".chosen").textContent.includes(`layer ${layer}, head ${head}`) && / with /.test(find(".status").textContent);
  for (const button of [...view.querySelectorAll("button[data-head]")].slice(1, 25)) {
    const [layer, head] = button.dataset.head.split("."), start = performance.now();
    button.click();
    while (!isThere(layer, head)) await new Promise((resolve) => setTimeout(resolve, 1));
    heads.push(performance.now() - start);
  }
  const matrix = find(".matrix"), box = matrix.getBoundingClientRect();
  for (let i = 0; i < 120; i++) {
    const start = performance.now(), clientX = box.left + box.width * (0.2 + i / 400), clientY = box.top + box.height * 0.8;
    matrix.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
    document.body.getBoundingClientRect(); // laid out
    cells.push(performance.now() - start);
  }
  return [heads, cells];
};
