"""Loading language models: from a folder, by a name, and what is no model."""

import subprocess
import sys

import pytest
import torch
from fakes import build_network, build_tokenizer

from a3core.llm.local import load_language_model

PROMPTS = ["Who?", "Question: where was Ann born?", "a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model saved as every hub model is."""
    path = tmp_path_factory.mktemp("model")
    build_network("llama").save_pretrained(path)
    build_tokenizer().save_pretrained(path)
    return path


@pytest.mark.slow
def test_a_folder_is_loaded_with_the_attention_asked_for(folder):
    eager, fast = (load_language_model(str(folder), dtype="float32") for _ in range(2))
    eager.network.set_attn_implementation("eager")
    ids = torch.tensor([eager.encode("Who?")])
    with torch.inference_mode():
        slow_out, fast_out = eager.network(ids, output_attentions=True), fast.network(ids)
    assert len(slow_out.attentions) == 2 and slow_out.attentions[0].shape == (1, 2, 5, 5)
    torch.testing.assert_close(slow_out.logits, fast_out.logits, atol=1e-4, rtol=0)
    assert eager.generate(PROMPTS) == fast.generate(PROMPTS)
    assert eager.window == 512 and eager.count_tokens("Who?") == 5 and eager.terms is None


def test_the_environment_names_a_model(folder, monkeypatch):
    monkeypatch.setenv("A3_LANGUAGE_MODEL", str(folder))
    assert load_language_model().name == str(folder)


@pytest.mark.parametrize("config", [None, "{", "[]", '{"vocab_size": 3}', '{"model_type": "nonsense"}'])
def test_a_folder_that_is_no_model(tmp_path, config):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match=r"holds no model|no causal language model") as caught:
        load_language_model(str(tmp_path))
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


def test_missing_weights_are_not_made_up(tmp_path, folder):
    from safetensors.torch import load_file, save_file

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks weights: model\.norm\.weight"):
        load_language_model(str(tmp_path))


@pytest.mark.parametrize("name", ["a/b/c", "/nowhere/at/all", "what is this?"])
def test_a_name_that_cannot_be_a_model(name):
    with pytest.raises(ValueError, match="neither a folder"):
        load_language_model(name)


def test_an_unknown_id_without_a_network(monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.model_info", unreachable)
    with pytest.raises(ValueError, match="hub cannot be reached"):
        load_language_model("nobody/nothing")


def test_importing_is_cheap():
    code = "import sys, a3core.llm.local; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
