"""Keys and values of several sequences of different lengths, which one forward pass extends together."""

from collections.abc import Sequence

import torch


class SlotCache:
    """A row of `length` tokens for each of `slots` sequences, laid out as transformers' attention reads it.

    Its memory is taken at once and never grows: 2 · layers · slots · heads · length · head_dim numbers. Stands where a
    model takes `past_key_values`, together with positions and a mask of four dimensions.
    """

    def __init__(
        self,
        *,
        layers: int,
        heads: int,
        head_dim: int,
        slots: int,
        length: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (slots, heads, length, head_dim)
        self._keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self._values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self._device = device
        self._rows: slice | torch.Tensor = slice(0)
        self._at: tuple[torch.Tensor, torch.Tensor] = (torch.empty(0), torch.empty(0))
        self._longest = 0

    @property
    def bytes_per_token(self) -> int:
        """Read for each token of the context at each step."""
        per_layer = self._keys[0].shape[1] * self._keys[0].shape[3] * self._keys[0].element_size()
        return 2 * len(self._keys) * per_layer

    def place(self, rows: Sequence[int], starts: Sequence[int], length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Says where the next forward pass writes: `length` tokens of each row from its start on.

        Gives the positions, (rows, length) int64, and the mask, (rows, 1, length, longest) bool: every token sees its
        own row up to itself.
        """
        index = torch.tensor(rows, device=self._device)
        positions = torch.tensor(starts, device=self._device)[:, None] + torch.arange(length, device=self._device)
        self._longest = max(starts) + length
        # Neighbours are read in place; other rows are gathered, which copies them.
        neighbours = list(rows) == list(range(rows[0], rows[0] + len(rows)))
        self._rows = slice(rows[0], rows[0] + len(rows)) if neighbours else index
        self._at = (index[:, None], positions)
        mask = torch.arange(self._longest, device=self._device) <= positions[..., None]
        return positions, mask[:, None]

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *_args: object,
        **_kwargs: object,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As transformers' `Cache.update`: takes (rows, heads, length, head_dim), gives all that the rows hold."""
        rows, positions = self._at
        keys, values = self._keys[layer_idx], self._values[layer_idx]
        keys[rows, :, positions] = key_states.transpose(1, 2)
        values[rows, :, positions] = value_states.transpose(1, 2)
        return keys[self._rows, :, : self._longest], values[self._rows, :, : self._longest]

    def copy(self, source: int, target: int, length: int) -> None:
        """The first `length` tokens of one row into another."""
        for tensor in (*self._keys, *self._values):
            tensor[target, :, :length] = tensor[source, :, :length]
