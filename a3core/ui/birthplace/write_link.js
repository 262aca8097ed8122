(question, family) => {
  history.replaceState(null, "", `?${new URLSearchParams({ tab: "birthplace", question, family })}`);
}
