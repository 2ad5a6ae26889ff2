"""BERT (Devlin et al. 2019) unchanged from `transformers`, from a configuration and without weights."""

from transformers import BertConfig, BertForSequenceClassification


def build(config):
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=100,
            hidden_size=config.get("hidden_size", 32),
            num_hidden_layers=config.get("num_hidden_layers", 2),
            num_attention_heads=config.get("num_attention_heads", 4),
            intermediate_size=config.get("intermediate_size", 64),
            hidden_dropout_prob=config.get("hidden_dropout_prob", 0.1),
            max_position_embeddings=32,
            num_labels=3,
        )
    )
