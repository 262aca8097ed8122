{# The scripts of the Few-shot tab's events, each an arrow function. #}
{# The answers that were filled in belong to the question that was filled in; those that a person wrote stay. #}
{% macro keep_gold() %}
(question, gold, filled) => filled && gold === filled.gold && question.trim() !== filled.question ? "" : gold
{% endmacro %}

{# The address leads back to what was asked; a link to a model of the list is asked again. #}
{% macro write_link() %}
(question, k, selection, model) => {
  const query = new URLSearchParams({ tab: "fewshot", question, k, selection, model });
  history.replaceState(null, "", `?${query}`);
}
{% endmacro %}

{% macro follow_link(screen) %}
(follow) => {
  if (follow?.ask) setTimeout(() => document.querySelector("#{{ screen }} button.primary")?.click(), 400);
}
{% endmacro %}

{# The fields of these screens were filled: their answers are of something else. #}
{% macro compare(screens) %}
() => {{ screens | tojson }}.forEach((id) => window.a3?.compare(id))
{% endmacro %}
