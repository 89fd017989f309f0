from __future__ import annotations

import numpy as np

from diaphane.simulate.skin import draw_lesion, render_lesion


def test_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    a, b, c = (render_lesion(draw_lesion(np.random.default_rng(seed)))[0] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_mask_is_where_the_picture_is_dark_and_lies_inside() -> None:
    for seed in range(8):
        picture, mask = render_lesion(draw_lesion(np.random.default_rng(seed), 192, 256))
        assert picture.shape == (192, 256, 3)
        assert 0.05 < mask.mean() < 0.4
        assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
        grey = picture.mean(axis=2)
        assert grey[mask].mean() < grey[~mask].mean() - 40
