"""A fit that begins with an earlier model's weights keeps its encoding, and learns all else anew."""

import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

import oddrow
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.datasets import make_connections
from oddrow.exceptions import CheckpointError, SchemaMismatchError, SettingError
from testing.untrained import hundred_steps


@pytest.fixture(scope="module")
def later_rows():
    return make_connections(1_000, odd_share=0, random_state=11).table


def refit(start, rows, seed=5, **parameters):
    return VAEDetector(random_state=seed, **parameters).fit(rows, start_from=start)


@pytest.fixture(scope="module")
def warm(vae, later_rows):
    with hundred_steps():
        return refit(vae, later_rows)


def test_it_begins_where_the_earlier_fit_ended(warm, short_training, later_rows):
    cold = VAEDetector(random_state=5).fit(later_rows)
    at_first = [one.health_.learning_curve.held_out_loss[0] for one in (warm, cold)]
    assert at_first[0] < at_first[1] - 3


def test_the_same_seed_and_start_give_the_same_model(warm, short_training, vae, later_rows, tmp_path):
    oddrow.save(vae, tmp_path / "start.oddrow")
    again = VAEDetector(random_state=5).fit_batches(
        later_rows.to_batches(max_chunksize=300), start_from=oddrow.load(tmp_path / "start.oddrow")
    )
    assert again.surprise(later_rows).tobytes() == warm.surprise(later_rows).tobytes()
    assert refit(vae, later_rows, seed=6).surprise(later_rows).tobytes() != warm.surprise(later_rows).tobytes()


def test_the_encoding_is_kept_and_the_calibration_is_of_the_new_rows(warm, vae, later_rows):
    assert warm.model_.encoding == vae.model_.encoding
    assert warm.model_.calibration.n_rows == 200


def test_the_detector_to_start_from_is_left_as_it_was(short_training, vae, later_rows, fresh):
    before = vae.surprise(fresh).tobytes()
    refit(vae, later_rows)
    assert vae.surprise(fresh).tobytes() == before


def test_a_fit_goes_on_only_from_a_checkpoint_of_the_same_start(warm, short_training, vae, later_rows, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        refit(vae, later_rows, checkpoint=tmp_path, on_progress=_interrupted)
    with pytest.raises(CheckpointError, match="another model to start from"):
        refit(warm, later_rows, checkpoint=tmp_path, resume=True)
    resumed = refit(vae, later_rows, checkpoint=tmp_path, resume=True)
    assert resumed.surprise(later_rows).tobytes() == warm.surprise(later_rows).tobytes()


def _interrupted(done, total, loss):
    raise KeyboardInterrupt


REFUSED = {
    "another class": (lambda _: refit(AutoencoderDetector(), None), SettingError, "start_from is a Autoencoder"),
    "not fitted": (lambda _: refit(VAEDetector(), None), NotFittedError, "not fitted"),
    "other settings": (
        lambda vae: refit(vae, None, settings="narrow"),
        SettingError,
        "was fitted with settings 'default', and these are 'narrow'",
    ),
    "another encoding": (lambda vae: refit(vae, None, encoding=vae.model_.encoding), SettingError, "give one of them"),
    "another kind": (
        lambda vae: refit(vae, None, columns={"destination_port": "category"}),
        SettingError,
        "'destination_port' is given as 'category', and to start_from it is 'number'",
    ),
}


@pytest.mark.parametrize(("attempt", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_a_start_with_incompatible_weights_is_refused(vae, attempt, error, said):
    with pytest.raises(error, match=said):
        attempt(vae)


def test_other_columns_are_refused_by_name(untrained, vae, later_rows):
    with pytest.raises(SchemaMismatchError, match="the table has no column 'state'"):
        refit(vae, later_rows.drop_columns(["state"]))
    wider = later_rows.append_column("ticket", pa.array([b"T"] * 1_000))
    with pytest.raises(SchemaMismatchError, match=r"a further column 'ticket'.* columns={'ticket': 'ignore'}"):
        refit(vae, wider)
    ignoring = refit(vae, wider, columns={"ticket": "ignore"})
    assert ignoring.surprise(later_rows).tobytes() == refit(vae, later_rows).surprise(later_rows).tobytes()
