"""A vision transformer (Dosovitskiy et al. 2021) unchanged from `transformers`; without dropout, as it comes."""

from transformers import ViTConfig, ViTForImageClassification


def build(config):
    width = config["width"]
    heads = config["heads"]
    return ViTForImageClassification(
        ViTConfig(
            image_size=16,
            patch_size=config.get("patch_size", 4),
            hidden_size=width,
            num_hidden_layers=config["depth"],
            num_attention_heads=heads,
            intermediate_size=2 * width,
            num_labels=3,
        )
    )
