(question, family) => {
  const query = new URLSearchParams(location.search), asked = query.get("question"), corpus = query.get("family");
  if (query.get("tab") !== "birthplace" || !asked || !FAMILIES.includes(corpus)) return [question, family];
  a3.press("SCREEN");
  return [asked.slice(0, 500), corpus];
}
