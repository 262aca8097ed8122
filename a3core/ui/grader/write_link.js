(people, adjudicated) => {
  const query = new URLSearchParams(window.location.search);
  if (query.get("tab") !== "grader") return;
  for (const name of ["by", "adjudicated", "section"]) query.delete(name);
  for (const name of people || []) query.append("by", name);
  if (!adjudicated) query.set("adjudicated", "no");
  if (document.querySelector("#grader-board")?.offsetParent) query.set("section", "report");
  window.history.replaceState(window.history.state, "", `${window.location.pathname}?${query}`);
}
