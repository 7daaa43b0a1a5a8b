"""The kinds of layer a network is made of; `base` states what each must answer and how things are counted."""

from simulator.workload.layers.base import Layer
from simulator.workload.layers.joins import AddLayer, ConcatLayer, FirstTokenLayer
from simulator.workload.layers.normalisation import BatchNormLayer, LayerNormLayer, LocalResponseNormLayer
from simulator.workload.layers.pointwise import ActivationLayer, DropoutLayer, SoftmaxLossLayer
from simulator.workload.layers.pooling import PoolLayer
from simulator.workload.layers.products import ConvolutionLayer, FullyConnectedLayer
from simulator.workload.layers.synthetic import TotalsLayer
from simulator.workload.layers.transformer import AttentionLayer, EmbeddingLayer

__all__ = [
    "ActivationLayer",
    "AddLayer",
    "AttentionLayer",
    "BatchNormLayer",
    "ConcatLayer",
    "ConvolutionLayer",
    "DropoutLayer",
    "EmbeddingLayer",
    "FirstTokenLayer",
    "FullyConnectedLayer",
    "Layer",
    "LayerNormLayer",
    "LocalResponseNormLayer",
    "PoolLayer",
    "SoftmaxLossLayer",
    "TotalsLayer",
]
