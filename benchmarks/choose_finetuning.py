"""Which finetuning settings to use, chosen on train questions that were held out: the dev questions are not read.

    python -m benchmarks.choose_finetuning CORPUS NAME [--from PRETRAINED]

Holds 200 train questions out, finetunes on the others with each setting, and notes every result.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path

from a3core.birthplace.data.corpora import load_corpus, split_held_out
from a3core.birthplace.evaluation import Accuracy, evaluate_places
from a3core.birthplace.prediction.direct import predict_places
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.recipes import finetune
from benchmarks.report import table, write_section

HELD_OUT = 200


def try_setting(corpus, base, held_out, epochs: int, matrix_rate: float) -> int:
    """How many held-out questions are right after finetuning on the others."""
    args = TrainingArgs(epochs=epochs, matrix_rate=matrix_rate, rate=matrix_rate / 5, save_every=epochs)
    with tempfile.TemporaryDirectory() as folder:
        model = finetune(corpus, base, args, Path(folder) / "trial", hold_out=HELD_OUT)
    places = [answer.place for answer in predict_places(model, [question.question for question in held_out])]
    return evaluate_places(places, held_out).correct


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("name", help="name of the section in BENCHMARKS.md")
    parser.add_argument("--from", dest="base", type=Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--matrix-rates", type=float, nargs="+", default=[0.002, 0.006])
    flags = parser.parse_args()
    corpus = load_corpus(flags.corpus)
    _, held_out = split_held_out(corpus.train, HELD_OUT)
    seen = Path("runs") / f"choose-{flags.name}.json"  # settings of earlier runs stay in the table
    results = json.loads(seen.read_text()) if seen.exists() else {}
    for epochs, matrix_rate in itertools.product(flags.epochs, flags.matrix_rates):
        if (setting := f"{epochs} epochs, {matrix_rate:g}") in results:
            continue
        results[setting] = try_setting(corpus, flags.base, held_out, epochs, matrix_rate)
        print(setting, results[setting], flush=True)
        seen.parent.mkdir(exist_ok=True)
        seen.write_text(json.dumps(results))
    rows = []
    for setting, correct in results.items():
        accuracy = Accuracy(correct, HELD_OUT)
        low, high = accuracy.interval
        rows.append((setting, f"{correct} of {HELD_OUT}: {accuracy.share:.1%}", f"[{low:.1%}, {high:.1%}]"))
    base = f" --from checkpoints/{flags.base.name}" if flags.base else ""
    command = f"python -m benchmarks.choose_finetuning {corpus.name} {flags.name}{base}"
    body = table(["epochs, Muon's rate (AdamW's is a fifth)", "held-out train questions right", "95 % interval"], rows)
    write_section(f"choose-{flags.name}", f"Choosing the finetuning of `{flags.name}`", command, body)


if __name__ == "__main__":
    main()
