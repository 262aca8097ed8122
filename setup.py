"""What pyproject.toml cannot say: assets and checkpoints are packaged, and what only the tests need is an extra."""

from pathlib import Path

from setuptools import find_packages, setup

PROJECT = Path(__file__).resolve().parent
# a3core/shipped/assets, a3core/shipped/checkpoints/recall, ...: where a3core.common.paths looks in an installed package
FOLDERS = {
    "a3core.shipped." + path.relative_to(PROJECT).as_posix().replace("/", "."): path.relative_to(PROJECT).as_posix()
    for top in ("assets", "checkpoints")
    for path in [PROJECT / top, *(PROJECT / top).rglob("*")]
    if path.is_dir() and path.name != "__pycache__"
}
needed, _, for_tests = (PROJECT / "requirements.txt").read_text(encoding="utf-8").partition("# for the tests\n")

setup(
    packages=[*find_packages(include=["a3core", "a3core.*"]), *FOLDERS],
    package_dir={"a3core": "a3core", **FOLDERS},
    package_data={"": ["*"], "a3core.attention": ["view/*"]},
    exclude_package_data={"": ["*.png", "*.webp"]},  # the README's pictures
    install_requires=[line.partition("#")[0].strip() for line in needed.splitlines() if line[:1] not in ("", "#")],
    extras_require={"tests": [line.partition("#")[0].strip() for line in for_tests.splitlines() if line]},
)
