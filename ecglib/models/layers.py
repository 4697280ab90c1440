"""PyTorch's layers, made fast on a CPU for beats of 187 samples and sequences of ten tokens.

Weights, initial values and results are those of the layers of the same names in ``torch.nn``; what
differs is the layout in memory and the steps between.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_STEPS = 2**16  # of the probability that an element is dropped


class Conv1d(nn.Conv1d):
    """Convolution along the last axis whose result has its channels side by side in memory.

    Without padding modes, groups or dilation. So laid out, convolution and pooling take three quarters of
    the time, and the tokens of the encoder need no copy.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) to (B, filters, L')."""
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
        # PyTorch knows this layout in images only: one of height 1, then
        return F.conv2d(x.unsqueeze(2), self.weight.unsqueeze(2), self.bias, padding=(0, *self.padding)).squeeze(2)


class MaxPool1d(nn.MaxPool1d):
    """Maximum of neighbours along the last axis, in the layout of `Conv1d`."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) to (B, C, L // kernel_size)."""
        return F.max_pool2d(x.unsqueeze(2), (1, self.kernel_size)).squeeze(2)


class Dropout(nn.Dropout):
    """Dropout whose choice follows from the seed alone, on every CPU.

    PyTorch draws 64 random bits an element, one after the other (a quarter of the encoder's time), or
    takes another generator where the processor is Intel's. Here 64 bits decide about four elements, so
    `p` is rounded to a multiple of 1 / 65,536; what stays is scaled by the rounded rate.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zeros in the place of dropped elements, the others scaled, in training; else `x` itself."""
        if not self.training or self.p == 0:
            return x
        if x.is_cuda:
            return F.dropout(x, self.p)
        dropped = round(self.p * _STEPS)
        bits = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 4),), device=x.device)
        # sixteen bits an element: -32,768 to 32,767
        kept = bits.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - _STEPS // 2
        return x * kept.to(x.dtype).mul_(_STEPS / (_STEPS - dropped))


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """Post-norm encoder layer with ReLU (Vaswani et al. 2017, section 3.1), batch first.

    Parameters
    ----------
    width, heads, feed_forward : int
    dropout : float
        On the attention, after it, inside the feed-forward block and after that.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float):
        super().__init__(width, heads, feed_forward, dropout, batch_first=True)
        self.attention_dropout, self.dropout, self.dropout1, self.dropout2 = (Dropout(dropout) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same shape."""
        x = self.norm1(x + self.dropout1(self._attend(x)))
        hidden = self.dropout(F.relu(self.linear1(x)))
        return self.norm2(x + self.dropout2(self.linear2(hidden)))

    def _attend(self, x: Tensor) -> Tensor:
        attention = self.self_attn
        batch, length, _ = x.shape
        projected = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)  # (B, T, 3 C)
        split = projected.view(batch, length, 3, attention.num_heads, attention.head_dim)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()  # (B, H, T, D) each
        weight = (query * attention.head_dim**-0.5 @ key.transpose(-1, -2)).softmax(-1)  # (B, H, T, T)
        attended = self.attention_dropout(weight) @ value  # (B, H, T, D)
        return attention.out_proj(attended.transpose(1, 2).reshape(x.shape))
