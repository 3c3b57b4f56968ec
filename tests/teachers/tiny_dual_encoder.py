"""Tiny randomly initialised dual encoders of transformers' own classes, saved in the Hub's layout."""

from __future__ import annotations

import json
from pathlib import Path

import torch


def tiny_clip(folder: Path, *, seed: int = 0) -> Path:
    """Save a CLIP model for 32 x 32 images with its tokenizer and the normalisation of its images."""
    from tiny_diffusion import _tokenizer
    from transformers import CLIPConfig, CLIPModel

    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**size, "vocab_size": 600, "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 1}
    vision = {**size, "image_size": 32, "patch_size": 8}
    torch.manual_seed(seed)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))
    model.save_pretrained(folder, safe_serialization=True)
    _tokenizer(folder.parent / "clip_tokenizer").save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    return folder


def tiny_bert_and_vit(folder: Path, *, seed: int = 0) -> Path:
    """Save a BERT beside a vision transformer, BioViL-T's pairing, without a word about the normalisation."""
    from transformers import BertConfig, BertTokenizer, ViTConfig
    from transformers import VisionTextDualEncoderConfig as Config
    from transformers import VisionTextDualEncoderModel as Model

    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = BertConfig(**size, vocab_size=200, max_position_embeddings=32)
    vision = ViTConfig(**size, image_size=32, patch_size=8)
    torch.manual_seed(seed)
    model = Model(Config.from_vision_text_configs(vision, text, projection_dim=12))
    model.save_pretrained(folder, safe_serialization=True)
    vocabulary = folder.parent / "words.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "no", "there", "is", "edema"]))
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    return folder
