"""BERT encoders (Devlin et al. 2018) with the pooler: 109,482,240 and 335,141,888 parameters.

Post-norm transformer layers over sequences of 128 tokens, or 512 where the name says so. The task heads of pre-training
(masked words, next sentence) and dropout inside attention are left out; published parameter counts of the encoder leave
the heads out too. All projections have biases.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["bert_base", "bert_base_512", "bert_large", "bert_large_512"]

_VOCABULARY, _POSITIONS, _SEGMENTS = 30_522, 512, 2


def bert_base() -> Network:
    """12 layers of 768 features, 128 tokens."""
    return _bert("bert-base", layers=12, features=768, heads=12, tokens=128)


def bert_base_512() -> Network:
    """12 layers of 768 features, 512 tokens."""
    return _bert("bert-base-512", layers=12, features=768, heads=12, tokens=512)


def bert_large() -> Network:
    """24 layers of 1024 features, 128 tokens."""
    return _bert("bert-large", layers=24, features=1024, heads=16, tokens=128)


def bert_large_512() -> Network:
    """24 layers of 1024 features, 512 tokens."""
    return _bert("bert-large-512", layers=24, features=1024, heads=16, tokens=512)


def _bert(name: str, *, layers: int, features: int, heads: int, tokens: int) -> Network:
    size = "base" if layers == 12 else "large"
    net = NetworkBuilder(
        name,
        title=f"BERT {size}, {tokens} tokens, encoder and pooler",
        input_shape=(tokens,),
        source="Devlin et al. 2018, BERT: pre-training of deep bidirectional transformers, section 3",
    )
    net.embedding("embeddings", tables=(_VOCABULARY, _POSITIONS, _SEGMENTS), features=features)
    net.layer_norm("embeddings/norm")
    top = net.dropout("embeddings/dropout", ratio=0.1)
    for index in range(1, layers + 1):
        top = _attention_block(net, f"layer{index}/attention", top, features, heads)
        top = _feed_forward_block(net, f"layer{index}/feed_forward", top, features)
    net.first_token("pooler/first_token")
    net.fully_connected("pooler", outputs=features)
    net.tanh("pooler/tanh")
    return net.build()


def _attention_block(net: NetworkBuilder, name: str, bottom: str, features: int, heads: int) -> str:
    query = net.token_connected(f"{name}/query", outputs=features, after=bottom)
    key = net.token_connected(f"{name}/key", outputs=features, after=bottom)
    value = net.token_connected(f"{name}/value", outputs=features, after=bottom)
    net.attention(name, heads=heads, inputs=(query, key, value))
    net.token_connected(f"{name}/output", outputs=features)
    return _add_and_normalise(net, name, bottom)


def _feed_forward_block(net: NetworkBuilder, name: str, bottom: str, features: int) -> str:
    net.token_connected(f"{name}/expand", outputs=4 * features)
    net.gelu(f"{name}/gelu")
    net.token_connected(f"{name}/contract", outputs=features)
    return _add_and_normalise(net, name, bottom)


def _add_and_normalise(net: NetworkBuilder, name: str, bottom: str) -> str:
    branch = net.dropout(f"{name}/dropout", ratio=0.1)
    net.add(f"{name}/add", inputs=(branch, bottom))
    return net.layer_norm(f"{name}/norm")
