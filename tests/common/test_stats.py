"""Statistics that several rooms use, against a library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3core.common.stats import correct_by_holm


@settings(deadline=None)  # the first example imports the library
@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.04]), min_size=1, max_size=20))
def test_holm_is_that_of_statsmodels(p):
    from statsmodels.stats.multitest import multipletests

    assert correct_by_holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist(), abs=1e-12)


def test_no_test_has_no_correction():
    assert correct_by_holm([]) == []
