"""Probes of a model while it learns: what it recalls about three people, its accuracy on dev people, one head.

    >>> probe = probe_model(model, corpus, epoch=30)
    >>> probe.recited[0]
    Recited(name='Ada Smith', sentence='Ada Smith was born in Leeds.', truth=..., place='Leeds', gold_answer='Leeds')
    >>> probe.head.share                      # of the weight of the best head, while it recites, on the name
    0.61

The people are dev people: no training has seen a question about them. Nothing here is random, and the model is not
changed.
"""

import copy
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.evaluation import Accuracy, judge_exact, judge_places
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction import recall, recall_decoding
from a3core.birthplace.training.snapshot import HeadOnName, Probe, Recited

RECITED_PEOPLE = 3  # people whose recitations are compared with the true sentence
MEASURED_PEOPLE = 50  # dev people, the first so many, that the shares are of: every one where there are 200 people
MAX_WRITTEN = 32  # tokens of a recitation that the head is watched over: noise may go on for two hundred


def probe_model(model: GPT, corpus: Corpus, epoch: int) -> Probe:
    """Asks a copy of the model, on the CPU, where predictions run, about the first dev people."""
    model = copy.deepcopy(model).cpu().eval()
    dev = corpus.dev[:MEASURED_PEOPLE]
    answers = recall.RecallPredictor(model).predict([question.question for question in dev])
    exact = judge_exact(answers, dev, corpus)
    correct = judge_places([answer.place for answer in answers], dev)
    documents = corpus.documents_by_name
    recited = tuple(
        Recited(question.name, answer.sentence, documents[question.name][0], answer.place, question.place)
        for answer, question in zip(answers[:RECITED_PEOPLE], dev, strict=False)
    )
    head = find_head_on_name(model, dev[0].name, answers[0].sentence)
    return Probe(epoch, recited, Accuracy(sum(exact), len(dev)), Accuracy(sum(correct), len(dev)), head)


def find_head_on_name(model: GPT, name: str, sentence: str) -> HeadOnName:
    """Which head looks at the name most while the model writes the sentence that opens with it."""
    vocabulary, prompt = model.vocabulary, recall_decoding.build_recall_prompt(model, name)
    written = [*vocabulary.encode(sentence.removeprefix(name))[:MAX_WRITTEN], vocabulary.mask_id]
    ids, n_prompt = prompt + written, len(prompt)
    # Token i is written at position i - 1.
    pattern = read_pattern(model, ids[:-1])[:, :, n_prompt - 1 :]  # (layers, nh, written, T - 1)
    on_name = find_name(vocabulary, prompt, name)
    shares = pattern[..., :n_prompt][..., torch.tensor(on_name)].sum(-1).mean(-1)  # (layers, nh)
    layer, head = divmod(int(shares.argmax()), model.n_head)
    best = pattern[layer, head]  # (written, T - 1)
    weights = torch.cat((best[:, :n_prompt], best[:, n_prompt:].sum(-1, keepdim=True)), dim=-1)
    return HeadOnName(
        layer=layer,
        head=head,
        share=float(shares[layer, head]),
        prompt=tuple(vocabulary.pieces(prompt)),
        on_name=tuple(on_name),
        written=tuple(vocabulary.pieces(written)),
        weights=tuple(map(tuple, weights.tolist())),
        shares=tuple(map(tuple, shares.tolist())),
    )


def find_name(vocabulary, prompt: Sequence[int], name: str) -> list[bool]:
    """Which tokens of the prompt have a letter of the name."""
    first = vocabulary.decode(prompt).rindex(name)
    return [start < first + len(name) and end > first for start, end in vocabulary.spans(prompt)]


@torch.inference_mode()
def read_pattern(model: GPT, ids: list[int]) -> Tensor:
    """The attention of every head over the tokens, (layers, nh, T, T)."""
    patterns: list[Tensor] = []
    with ExitStack() as hooks:
        for block in model.blocks:
            handle = block.attn.softmax.register_forward_hook(lambda module, args, pattern: patterns.append(pattern[0]))
            hooks.callback(handle.remove)
        model(torch.tensor([ids]))
    return torch.stack(patterns).float().cpu()
