"""The Few-shot tab's result as HTML: the answers side by side, then the prompt as a table of its demonstrations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from a3core.fewshot.answering import Answered, Asked, Effects, LeftOut
from a3core.fewshot.building import BuiltPrompt
from a3core.fewshot.pools import Pool
from a3core.llm.prompts import ANSWER, collapse_spaces
from a3core.ui.shared.html import render
from a3core.ui.shared.screen import render_status, render_title

MOST_NOTE = 1000  # characters of one note: a leak quotes questions in full
LINKS = """<button type="button" class="a3-quiet" data-event="attend">See its attention</button>
<button type="button" class="a3-quiet" data-copy="{{ prompt }}">Copy prompt</button>"""
ANSWERS = """<section class="a3 a3-three" aria-label="{{ title }}">{% for card in cards %}
<article class="a3-card{{ ' chosen' if loop.last and cards|length > 1 }}"><header><span>{{ card.name }}</span>
<span class="num" title="{{ card.nats }}">{{ card.share }}</span></header>
<div class="line"><span class="a3-place">{{ card.answer or "(nothing)" }}</span>{{ card.verdict }}</div></article>
{% endfor %}</section>"""
VERDICT = '<span class="a3-tag {{ kind }}" title="F1 {{ f1 }}">{{ sign }} {{ kind }}</span>'
PROMPT = """<section class="a3 a3-prompt a3-editable" aria-label="The prompt, as the model reads it">
<div class="head"><span>{{ head }}</span><span>similarity</span>{{ column }}</div><ol tabindex="0">
{% for row in rows %}
<li{% if row.in_sight %} class="sight"{% endif %}><div class="q">{{ row.lines }}<label>{{ row.lead }}<input
 value="{{ row.answer }}" data-id="{{ row.id }}" size="{{ row.size }}" maxlength="500"
 aria-label="Answer {{ loop.index }}"></label>
{%- if row.in_sight %} <span class="a3-tag warn">a right answer: in sight</span>{% endif %}</div>
<span class="sim num">{{ row.similarity }}<i style="width:{{ row.width }}%"></i></span>{{ row.cell }}</li>
{% endfor %}
<li class="ask"><div class="q">{{ ask.lines }}<span>{{ ask.lead }}</span> <mark>{{ ask.answer }}</mark></div></li>
</ol></section>
{% for note in notes %}<p class="a3 small muted" role="note">{{ note }}</p>{% endfor %}"""
RESULT = (
    """<div class="a3" id="fewshot-asked">{{ title }}<div class="a3-result">{{ answers }}{{ prompt }}</div></div>"""
)
MORE = """<div class="a3 a3-more-row">
<button type="button" class="a3-quiet" data-event="leave_out">Without each one</button>
<button type="button" class="a3-quiet" data-event="swap">With its answer swapped</button>
<button type="button" class="a3-quiet" data-event="measure">Measure each one</button>
<span class="small muted">{{ text }}</span></div>"""
CHANGED = """<span class="last">{% if answer is none %}not asked
{%- elif changes %}<mark>{{ answer or "(nothing)" }}</mark>
{%- else %}<span class="muted">the same</span>{% endif %}</span>"""
EFFECT = """<span class="last eff num"><span>{{ nats }}</span><span class="neg"><i style="width:{{ down }}%"></i></span>
<span class="pos"><i style="width:{{ up }}%"></i></span></span>"""
NOTES = """<p><strong>{{ n }} demonstrations, {{ tokens }}</strong>{{ window }}, from {{ pool }} ({{ size }}).</p>
{% for note in warned %}<p class="a3-warning" role="note">{{ note }}</p>{% endfor %}
{% for note in notes %}<p>{{ note }}</p>{% endfor %}"""
# Of the result's own buttons and of the answers in the prompt, which can be written over.
SCRIPT = """element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-event], [data-copy]");
  if (button?.dataset.copy) navigator.clipboard.writeText(button.dataset.copy);
  else if (button?.dataset.event === "attend") trigger("attend");
  else if (button?.dataset.event === "leave_out") trigger("leave_out");
  else if (button?.dataset.event === "swap") trigger("swap");
  else if (button?.dataset.event === "measure") trigger("measure");
});
element.addEventListener("change", (event) =>
  event.target.dataset.id && trigger("edit", { id: event.target.dataset.id, answer: event.target.value }));
element.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.dataset.id) return;
  event.target.blur();
  trigger("ask");
});"""


class Cell(NamedTuple):
    """What the last column of the prompt's table has for each demonstration."""

    head: Markup
    rows: Sequence[Markup]


def render_asked(asked: Asked, last: Cell | None = None, below: Markup | str = "") -> Markup:
    """Title, answers and prompt; `last` is one more column of the prompt, `below` what comes after it."""
    status = render_status(f"{asked.model} · answered in {asked.seconds:.1f} s")
    title = render_title(asked.question, links=status + render(LINKS, prompt=asked.prompt))
    answers = render_answers(asked.answers, "Answers of the language model")
    below = below or (render(MORE, text="Which answers change when one is left out?") if asked.rows else "")
    return render(RESULT, title=title, answers=answers, prompt=render_prompt_table(asked, last) + below)


def render_left_out(asked: Asked, left_out: LeftOut, swap: bool) -> Markup:
    """The result with the answers without each demonstration; those that differ are marked."""
    rows = [render(CHANGED, answer=answer, changes=answer != left_out.with_all) for answer in left_out.answers]
    n = sum(answer is not None for answer in left_out.answers)
    verb = "swaps" if swap else "leave-outs"
    text = (
        f"All {n} {verb} give the same answer."
        if not left_out.n_changed
        else (f"{left_out.n_changed} of {n} {verb} change the answer.")
    )
    first, last = asked.answers[0].log_probability, asked.answers[-1].log_probability
    if first is not None:
        text += f" All against none: {last - first:+.1f} nats for the right answer."
    head = "its answer swapped" if swap else "without it"
    return render_asked(
        asked, Cell(render('<span class="last">{{ head }}</span>', head=head), rows), render(MORE, text=text)
    )


def render_effects(asked: Asked, effects: Effects) -> Markup:
    """The result with bars of nats in the order of the prompt, both signs, and the noise of rounding in words."""
    largest = max(0.1, *(abs(effect) for effect in effects.each))
    rows = [
        render(
            EFFECT,
            nats=f"{effect:+.2f}",
            down=round(100 * max(0, -effect) / largest),
            up=round(100 * max(0, effect) / largest),
        )
        for effect in effects.each
    ]
    text = f"In float32, nats. All against none: {effects.with_all - effects.without_any:+.2f}."
    if effects.noise is not None:
        text += f" Rounding moved the answer above by {effects.noise:.2f}: smaller bars mean nothing there."
    head = render('<span class="last">What each one changes alone (they overlap)</span>')
    return render_asked(asked, Cell(head, rows), render(MORE, text=text))


def render_answers(answers: Sequence[Answered], title: str) -> Markup:
    """A card an answer, the chosen one last."""
    return render(ANSWERS, title=title, cards=[build_card(answered) for answered in answers])


def build_card(answered: Answered) -> dict[str, str]:
    """The texts of a card: the share of the right answer, its nats on hover."""
    gold, score = answered.log_probability, answered.score
    kind = "right" if score and score.exact_match else "wrong"
    verdict = render(VERDICT, kind=kind, sign="✓" if kind == "right" else "✗", f1=f"{score.f1:.2f}") if score else ""
    share = "" if gold is None else f"right answer: {format_share(gold)}"
    nats = "" if gold is None else f"log-probability of the canonical answer: {gold:.2f} nats"
    if answered.best_alias and answered.best_log_probability > gold:
        nats += f"; of the best alias, {answered.best_alias}: {answered.best_log_probability:.2f} nats"
        share += f", best alias {format_share(answered.best_log_probability)}"
    return {"name": answered.name, "answer": answered.answer, "verdict": verdict, "share": share, "nats": nats}


def format_share(nats: float) -> str:
    """A log-probability in nats as a percentage: "18 %", "1.4 %", "<0.01 %"."""
    percent = 100 * math.exp(nats)
    if percent < 0.01:
        return "<0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def render_prompt_table(asked: Asked, last: Cell | None = None) -> Markup:
    """The prompt as the model reads it, a row a demonstration; each answer can be written over."""
    counted = "tokens unknown to a server's client" if asked.tokens is None else f"{asked.tokens:,}"
    window = " tokens" if asked.window is None else f" of {asked.window:,} tokens"
    n, in_sight = len(asked.rows), sum(row.in_sight for row in asked.rows)
    sight = f" · {in_sight} with a right answer" if in_sight else ""
    head = f"The prompt, as the model reads it · {n} demonstrations, {counted}{window}{sight}"
    rows = [
        {
            **split_lines(asked.template.text, row.question),
            "answer": row.answer,
            "size": max(4, min(48, len(row.answer) + 1)),
            "id": row.id,
            "in_sight": row.in_sight,
            "similarity": f"{row.similarity:.2f}",
            "width": round(100 * max(0.0, row.similarity)),
            "cell": last.rows[i] if last else "",
        }
        for i, row in enumerate(asked.rows)
    ]
    ask = {**split_lines(asked.template.text, asked.question), "answer": asked.answers[-1].answer or "(nothing)"}
    return render(PROMPT, head=head, column=last.head if last else "", rows=rows, ask=ask, notes=asked.notes)


def split_lines(template: str, question: str) -> dict[str, Markup]:
    """What is before the answer: the lines of the question, and the beginning of the answer's own line."""
    text = template.partition(ANSWER)[0].replace("{question}", "\0")
    *lines, lead = text.split("\n")
    filled = [
        render("<span>{{ a }}</span>{{ b }}", a=line.partition("\0")[0], b=collapse_spaces(question))
        if "\0" in line
        else render("<span>{{ a }}</span>", a=line)
        for line in lines
    ]
    end = render("{{ a }}", a=lead.replace("\0", collapse_spaces(question)))
    return {"lines": Markup("<br>").join(filled) + (Markup("<br>") if filled else ""), "lead": end}


def render_notes(built: BuiltPrompt, pool: Pool) -> Markup:
    """The prompt's demonstrations, tokens and pool, and its notes."""
    tokens = built.prompt.tokens
    return render(
        NOTES,
        n=len(built.prompt.included),
        tokens="tokens unknown to a server's client" if tokens is None else f"{tokens:,} tokens",
        window="" if built.window is None else f" of the model's {built.window:,}",
        pool=pool.name,
        size=f"{len(pool):,}",
        warned=[note[:MOST_NOTE] for note in built.notes],
        notes=pool.notes,
    )
