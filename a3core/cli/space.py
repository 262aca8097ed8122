"""The command build-space: the folder that is pushed to a Hugging Face Space.

    python -m a3core build-space --out build/space --name ann/what-a-transformer-remembers
    hf upload ann/what-a-transformer-remembers build/space . --repo-type space

A Space installs the gradio of README.md's front matter and one requirements.txt, to which it allows no second file: so
what constraints.txt pins is written into it.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from a3core.common.paths import ROOT

FILES = ("app.py", "LICENSE", "BENCHMARKS.md", "CONTRIBUTING.md")  # those that are there
FOLDERS = ("a3core", "assets", "checkpoints", "docs")
WRITTEN = ("README.md", "requirements.txt", ".gitattributes")  # not copied as they are
LEFT_OUT = ("__pycache__", "*.pyc", ".*", "make_*.py", "training_state.safetensors", "*.partial")
LARGEST_FILE = 10_000_000  # bytes that a Space takes without Git LFS
TESTS = "# for the tests"  # the line of requirements.txt below which a Space needs nothing
CPU_WHEELS = "--extra-index-url https://download.pytorch.org/whl/cpu"  # else some gigabytes of CUDA are installed
ZERO_GPU_TORCH, ZERO_GPU_PYTHON = "torch>=2.8,<2.12", "3.12"  # torch is in that Space's image
SPACE_EXTRAS = {"gradio": "gradio[oauth]"}  # annotators sign in
LARGE_FILES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in ("safetensors", "gz", "png"))


def build_space(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write; a Space built there before is replaced.")],
    name: Annotated[str | None, typer.Option(help="The Space's own name, such as ann/demo.")] = None,
    zero_gpu: Annotated[bool, typer.Option(help="For ZeroGPU hardware instead of a CPU.")] = False,
) -> None:
    """Assembles what is pushed to a Hugging Face Space: the app, its models and pictures, nothing else."""
    assemble_space(out, name, zero_gpu)
    sizes = {path.relative_to(out): path.stat().st_size for path in out.rglob("*") if path.is_file()}
    largest = max(sizes, key=sizes.get)
    typer.echo(f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB; the largest is {largest}")
    typer.echo(f"Push it: hf upload {name or 'your-name/your-space'} {out} . --repo-type space")


def start_page(
    flags: Annotated[list[str] | None, typer.Argument(help="As of app.py: a3core app --help.")] = None,
) -> None:
    """Starts the page, as `python app.py` does."""
    from a3core.ui.launch import build_from_flags, launch, parse_flags

    parsed = parse_flags(flags or [])
    launch(build_from_flags(parsed), parsed)


def assemble_space(out: Path, name: str | None = None, zero_gpu: bool = False, root: Path = ROOT) -> None:
    """Writes the folder `out`, whole or not at all.

    Raises ValueError for a file of more than LARGEST_FILE bytes, or when `out` holds something else than a Space.
    """
    if not (root / "app.py").is_file():
        raise ValueError("a Space is assembled from the project's repository: clone it, and run this in its folder")
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file: name a folder for the Space")
    others = {path.name for path in out.iterdir()} - {*FILES, *FOLDERS, *WRITTEN} if out.exists() else ()
    if others:
        raise ValueError(f"{out} holds other things than a Space ({', '.join(sorted(others)[:3])}): name a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workspace:
        partial = Path(workspace, out.name)
        for folder in FOLDERS:
            shutil.copytree(root / folder, partial / folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for file in (file for file in FILES if (root / file).is_file()):
            shutil.copy2(root / file, partial / file)
        readme, requirements, constraints = (
            (root / file).read_text(encoding="utf-8") for file in ("README.md", "requirements.txt", "constraints.txt")
        )
        pinned = pin_requirements(requirements, constraints, zero_gpu)
        texts = (render_readme(readme, name, zero_gpu), pinned, LARGE_FILES)
        for file, text in zip(WRITTEN, texts, strict=True):
            (partial / file).write_text(text, encoding="utf-8", newline="\n")
        if large := sorted(path for path in partial.rglob("*") if path.stat().st_size > LARGEST_FILE):
            named = f"{large[0].relative_to(partial)} has {large[0].stat().st_size / 1e6:.1f} MB"
            raise ValueError(f"{named}: a file of a Space has 10 MB at most")
        shutil.rmtree(out, ignore_errors=True)
        partial.replace(out)


def pin_requirements(requirements: str, constraints: str, zero_gpu: bool = False) -> str:
    """A Space's requirements.txt: each requirement of the app in the version that constraints.txt pins, without those
    of the tests.

    Raises ValueError for a requirement without a pin.
    """
    fold = lambda name: re.sub(r"[-_.]+", "-", name).lower()  # noqa: E731  the same for all spellings (PEP 503)
    pins = {fold(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", constraints, re.MULTILINE)}
    lines = [f"# Written by python -m a3core build-space{' --zero-gpu' * zero_gpu}; the versions are those tested."]
    lines += [] if zero_gpu else [CPU_WHEELS]
    for line in requirements.partition(TESTS)[0].splitlines():
        if found := re.match(r"([\w.-]+)(\[[\w,-]+\])?", line):
            if zero_gpu and found[1] == "torch":
                lines.append(ZERO_GPU_TORCH)
            elif version := pins.get(fold(found[1])):
                lines.append(f"{SPACE_EXTRAS.get(found[0], found[0])}=={version}")
            else:
                raise ValueError(f"constraints.txt does not pin {found[1]}, which requirements.txt asks for")
    return "\n".join(lines) + "\n"


def render_readme(readme: str, name: str | None, zero_gpu: bool = False) -> str:
    """README.md with the front matter of this Space. Raises ValueError for a name that no Space can have."""
    if name is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError(f"A Space has a name such as ann/demo, not {name!r}")
    _, head, body = readme.split("---\n", 2)
    if name:
        head = re.sub(r"(huggingface\.co/spaces/)[^/\s]+/[^/\s]+", rf"\g<1>{name}", head)
    if zero_gpu:
        head = re.sub(r"^python_version: .*$", f'python_version: "{ZERO_GPU_PYTHON}"', head, flags=re.MULTILINE)
    return f"---\n{head}---\n{body}"
