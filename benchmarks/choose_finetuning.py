"""Which finetuning settings to use, chosen on train questions that were held out: the dev questions are not read.

    python benchmarks/choose_finetuning.py CORPUS NAME [--from PRETRAINED]

Holds 200 train questions out, finetunes on the others with each setting, and notes every result.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

from report import table, write_section

from a3core.birthplace.corpora import load_corpus, split_held_out
from a3core.birthplace.evaluation import evaluate_places
from a3core.birthplace.prediction import predict_places
from a3core.birthplace.recipes import finetune
from a3core.birthplace.training_args import TrainingArgs

HELD_OUT = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("name", help="name of the section in BENCHMARKS.md")
    parser.add_argument("--from", dest="base", type=Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 6, 12])
    parser.add_argument("--matrix-rates", type=float, nargs="+", default=[0.002, 0.005, 0.01])
    flags = parser.parse_args()
    corpus = load_corpus(flags.corpus)
    shown, held_out = split_held_out(corpus.train, HELD_OUT)
    rows = []
    for epochs, matrix_rate in itertools.product(flags.epochs, flags.matrix_rates):
        args = TrainingArgs(epochs=epochs, matrix_rate=matrix_rate, rate=matrix_rate / 5, save_every=epochs)
        with tempfile.TemporaryDirectory() as folder:
            model = finetune(corpus, flags.base, args, Path(folder) / "trial", train_questions=shown)
        places = [answer.place for answer in predict_places(model, [question.question for question in held_out])]
        accuracy = evaluate_places(places, held_out)
        low, high = accuracy.interval
        rows.append((epochs, matrix_rate, f"{matrix_rate / 5:g}", f"{accuracy.correct} of {accuracy.total}: "
                     f"{accuracy.share:.1%}", f"[{low:.1%}, {high:.1%}]"))  # fmt: skip
        print(rows[-1], flush=True)
    base = f" --from checkpoints/{flags.base.name}" if flags.base else ""
    command = f"python benchmarks/choose_finetuning.py {corpus.name} {flags.name}{base}"
    body = table(["epochs", "Muon's rate", "AdamW's rate", "held-out train questions right", "95 % interval"], rows)
    write_section(f"choose-{flags.name}", f"Choosing the finetuning of `{flags.name}`", command, body)


if __name__ == "__main__":
    main()
