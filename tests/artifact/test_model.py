"""One file, no code in it: what comes back is what was saved, and everything else is one kind of error."""

import hashlib
import json
import pickle
import struct
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

import oddrow
from oddrow import AutoencoderDetector, VAEDetector, artifact
from oddrow.artifact import PROTOCOL
from oddrow.datasets import make_connections
from oddrow.exceptions import ModelFileError, OutputError, SettingError
from oddrow.files import CsvReading, Origin
from testing.model_files import HEADER, MAGIC, packed, parts, rebuilt
from testing.untrained import no_training


@pytest.fixture(scope="module")
def content(vae, tmp_path_factory):
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("artifact") / "model.oddrow"
    oddrow.save(vae, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def short_content(connections):
    """A file with every array of a good file, all of them short: for tests that read it once for each array."""
    with no_training():
        return artifact.dumps(VAEDetector(random_state=0).fit(connections.slice(0, 200)))


@pytest.fixture
def refusal(tmp_path):
    """Load these bytes, which must fail, and give the text of the error."""
    path = tmp_path / "broken.oddrow"

    def load(broken):
        path.write_bytes(broken)
        with pytest.raises(ModelFileError) as caught:
            oddrow.load(path)
        text = str(caught.value)
        assert text.startswith(f"{path}: ")
        assert "\n" not in text
        return text

    return load


# What is saved comes back --------------------------------------------------------------------------------------------


def test_a_loaded_detector_is_the_saved_one_bit_for_bit(scored, tmp_path):
    detector, table = scored
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert type(loaded) is type(detector)
    for ask in ("surprise", "p_value", "score_samples", "decision_function", "predict", "embed", "latent_map"):
        assert getattr(loaded, ask)(table).tobytes() == getattr(detector, ask)(table).tobytes()
    assert loaded.explain(table[:50] if isinstance(table, np.ndarray) else table.slice(0, 50)) == detector.explain(
        table[:50] if isinstance(table, np.ndarray) else table.slice(0, 50)
    )
    assert loaded.get_params() == detector.get_params()
    assert loaded.offset_ == detector.offset_
    assert loaded.n_features_in_ == detector.n_features_in_
    assert hasattr(loaded, "feature_names_in_") == hasattr(detector, "feature_names_in_")
    assert list(getattr(loaded, "feature_names_in_", [])) == list(getattr(detector, "feature_names_in_", []))


def test_the_bytes_of_a_model_are_those_of_its_file_and_damage_is_refused(content, tmp_path):
    (tmp_path / "model").write_bytes(content)
    assert artifact.dumps(oddrow.load(tmp_path / "model")) == content
    rows = make_connections(300, random_state=9).table
    expected = oddrow.load(tmp_path / "model").surprise(rows)
    assert artifact.loads_model(content).score(rows).surprise.tobytes() == expected.tobytes()
    for damaged in (b"", content[:-1], content + b"0", content[:200] + bytes([content[200] ^ 1]) + content[201:]):
        with pytest.raises(ModelFileError):
            artifact.loads_model(damaged)


def test_the_learning_curve_and_the_policy_come_back(vae, content, tmp_path):
    (tmp_path / "model.oddrow").write_bytes(content)
    loaded = oddrow.load(tmp_path / "model.oddrow").model_
    assert loaded.policy == vae.model_.policy
    assert loaded.threshold == vae.model_.threshold
    assert loaded.calibration.source == vae.model_.calibration.source
    before, after = vae.model_.network.learning_curve, loaded.network.learning_curve
    assert after.best_step == before.best_step
    for name in ("step", "training_loss", "held_out_loss", "reconstruction", "kl", "learning_rate"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_the_health_of_the_training_comes_back(scored, tmp_path):
    detector, _ = scored
    oddrow.save(detector, tmp_path / "model.oddrow")
    after = oddrow.load(tmp_path / "model.oddrow").health_
    before = replace(detector.health_, learning_curve=after.learning_curve)
    assert after == before
    assert after.diagnoses == detector.health_.diagnoses
    assert after.rows_trained > 0


@pytest.mark.parametrize(
    "change",
    [
        {"kl": [1.0]},
        {"latent_variance": []},
        {"strongest_dependence": float("nan")},
        {"gain": {"training": float("inf"), "held_out": 0.0}},
        {"rollbacks": [{"step": 1}]},
        {"end": "victory"},
        {"n_parameters": "many"},
    ],
    ids=str,
)
def test_impossible_health_figures_are_refused(content, refusal, change):
    assert "do not fit together" in refusal(rebuilt(content, lambda manifest: manifest["health"].update(change)))


def test_an_empty_learning_curve_is_refused(content, refusal):
    def emptied(arrays):
        for name in arrays:
            if name.startswith("network.curve."):
                arrays[name] = arrays[name][:0]

    assert "the learning curve is empty" in refusal(rebuilt(content, None, emptied))


def test_saving_what_was_loaded_gives_the_same_file(scored, tmp_path):
    detector, _ = scored
    oddrow.save(detector, tmp_path / "first.oddrow")
    oddrow.save(oddrow.load(tmp_path / "first.oddrow"), tmp_path / "second.oddrow")
    assert (tmp_path / "first.oddrow").read_bytes() == (tmp_path / "second.oddrow").read_bytes()


def test_where_a_model_comes_from_is_kept(content, tmp_path):
    (tmp_path / "m.oddrow").write_bytes(content)
    detector = oddrow.load(tmp_path / "m.oddrow")
    assert detector.model_.origin is None
    origin = Origin("2024-01-31T12:00:00+00:00", "1.2", "t.csv", "0" * 64, CsvReading(False, ("a", "b"), ";"))
    detector.model_ = replace(detector.model_, origin=origin)
    oddrow.save(detector, tmp_path / "told.oddrow")
    assert oddrow.load(tmp_path / "told.oddrow").model_.origin == origin


@pytest.mark.parametrize("estimator", [VAEDetector, AutoencoderDetector])
@pytest.mark.parametrize("settings", ["default", "narrow", "article"])
@pytest.mark.parametrize(
    "parameters",
    [{"contamination": 0.1, "random_state": 7}, {"random_state": None, "max_steps": 40}, {"contamination": 0}],
)
def test_the_parameters_come_back(untrained, numbers, tmp_path, estimator, settings, parameters):
    detector = estimator(settings=settings, **parameters).fit(numbers)
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.get_params() == detector.get_params()
    np.testing.assert_array_equal(loaded.predict(numbers), detector.predict(numbers))


def test_the_weights_of_the_views_come_back_and_count(untrained, numbers, tmp_path):
    detector = VAEDetector(view_weights={"nearest": 2, "sparseness": 0}, random_state=0).fit(numbers)
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.view_weights == {"nearest": 2.0, "sparseness": 0.0}
    np.testing.assert_array_equal(loaded.surprise(numbers), detector.surprise(numbers))
    assert (loaded.surprise(numbers) != VAEDetector(random_state=0).fit(numbers).surprise(numbers)).any()


def test_a_loaded_detector_can_be_fitted_again(untrained, article, numbers, tmp_path):
    oddrow.save(article, tmp_path / "model.oddrow")
    again = oddrow.load(tmp_path / "model.oddrow").fit(numbers[:, :2])
    assert again.n_features_in_ == 2
    assert again.random_state == 0


def test_the_file_is_of_the_documented_form_and_holds_no_code(content):
    magic, protocol, manifest_length, arrays_length, *hashes = HEADER.unpack(content[: HEADER.size])
    assert (magic, protocol) == (MAGIC, PROTOCOL)
    assert HEADER.size + manifest_length + arrays_length == len(content)
    manifest = content[HEADER.size : HEADER.size + manifest_length]
    arrays = content[HEADER.size + manifest_length :]
    assert hashes == [hashlib.sha256(part).digest() for part in (manifest, arrays)]
    assert json.loads(manifest)["detector"] == "vae"
    assert all(array.dtype.kind in "fi" for array in safetensors.numpy.load(arrays).values())


# A file is never lost ------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_only_with_force(article, tmp_path):
    path = tmp_path / "model.oddrow"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        oddrow.save(article, path)
    assert path.read_bytes() == b"precious"
    oddrow.save(article, path, force=True)
    assert oddrow.load(path).n_features_in_ == 4
    assert [one.name for one in tmp_path.iterdir()] == ["model.oddrow"]


@pytest.mark.parametrize("estimator", [VAEDetector, AutoencoderDetector])
def test_a_detector_that_is_not_fitted_cannot_be_saved(estimator, tmp_path):
    with pytest.raises(SettingError, match=f"this {estimator.__name__} is not fitted; call fit before save"):
        oddrow.save(estimator(), tmp_path / "model.oddrow")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(article, tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        oddrow.save(article, tmp_path / "nowhere" / "model.oddrow")


def test_a_detector_that_could_not_be_loaded_is_not_saved(article, tmp_path, monkeypatch):
    monkeypatch.setattr("oddrow.columns._limits.MAX_COLUMNS", 3)
    with pytest.raises(
        OutputError, match=r"a model file cannot hold this model: .*4 columns .*at most 3.*nothing was written"
    ):
        oddrow.save(article, tmp_path / "model.oddrow")
    assert not list(tmp_path.iterdir())


# Whatever is wrong with a file, it is one error of one line ----------------------------------------------------------


def places(content):
    """One byte in each region of a file, and several in its large parts."""
    _, _, manifest_length, _, _, _ = HEADER.unpack(content[: HEADER.size])
    start = HEADER.size + manifest_length
    return {
        **{f"magic {i}": i for i in range(8)},
        "protocol": 8,
        "protocol's last byte": 11,
        "length of the manifest": 12,
        "its last byte": 19,
        "length of the arrays": 20,
        "hash of the manifest": 28,
        "hash of the arrays": 91,
        "first of the manifest": HEADER.size,
        "middle of the manifest": HEADER.size + manifest_length // 2,
        "last of the manifest": start - 1,
        "length of the arrays' header": start,
        "header of the arrays": start + 20,
        "middle of the arrays": (start + len(content)) // 2,
        "last of all": len(content) - 1,
    }


def test_a_flipped_bit_is_found_in_every_region(content, refusal):
    for place in places(content).values():
        for bit in (1, 128):
            broken = bytearray(content)
            broken[place] ^= bit
            refusal(bytes(broken))


@pytest.mark.parametrize(("region", "part"), [("middle of the manifest", "manifest"), ("last of all", "arrays")])
def test_a_changed_byte_is_found_by_the_hash(content, refusal, region, part):
    broken = bytearray(content)
    broken[places(content)[region]] ^= 4
    assert f"damaged: its {part} do not have the recorded hash" in refusal(bytes(broken))


def test_a_file_cut_short_anywhere_says_truncated(content, refusal):
    _, _, manifest_length, _, _, _ = HEADER.unpack(content[: HEADER.size])
    edges = {HEADER.size, HEADER.size + manifest_length}
    cuts = {*range(8, HEADER.size), *range(HEADER.size, len(content), len(content) // 25)}
    cuts |= {edge + step for edge in edges for step in (-1, 0, 1)} | {len(content) - 1}
    for cut in sorted(cuts):
        assert "truncated" in refusal(content[:cut])


def test_a_file_that_goes_on_after_its_end_is_damaged(content, refusal):
    assert "its header claims" in refusal(content + b"\n")


def test_an_empty_file_is_no_model_file(refusal):
    assert "not an oddrow model file; make one with: oddrow fit" in refusal(b"")


@pytest.mark.parametrize(
    "foreign",
    [
        b"x",
        b"time,size\n1,2\n",
        b"PK\x03\x04" + bytes(200),
        bytes(4096),
        pickle.dumps(replace),
        b"ODDROW\n" + bytes(200),
    ],
    ids=["one byte", "a table", "an archive", "zeros", "a pickle", "line ends translated"],
)
def test_a_foreign_file_is_no_model_file(refusal, foreign):
    assert "not an oddrow model file" in refusal(foreign)


def test_the_file_of_a_newer_oddrow_says_to_upgrade(content, refusal):
    newer = content[:8] + struct.pack("<I", PROTOCOL + 1) + content[12:]
    assert f"protocol {PROTOCOL + 1} is newer than this oddrow reads ({PROTOCOL}); upgrade oddrow" in refusal(newer)


def test_a_protocol_that_never_was_is_damage(content, refusal):
    assert "protocol 0 never existed" in refusal(content[:8] + bytes(4) + content[12:])


@pytest.mark.parametrize("name", ["nothing.oddrow", "."])
def test_a_missing_file_and_a_folder_are_refused(tmp_path, name):
    with pytest.raises(ModelFileError, match="cannot be read as a model file") as caught:
        oddrow.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def peak_bytes(refuse, broken):
    tracemalloc.start()
    try:
        refuse(broken)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("lengths", [(2**60, 0), (0, 2**60), (2**63, 2**63), (2**64 - 1, 1)])
def test_sizes_that_a_header_claims_are_not_allocated(refusal, lengths):
    claims = HEADER.pack(MAGIC, PROTOCOL, *lengths, bytes(32), bytes(32)) + bytes(100)
    assert peak_bytes(refusal, claims) < 2**20


@pytest.mark.parametrize("huge", [2**24, 2**40, 2**62])
def test_sizes_that_the_parts_claim_are_not_allocated(content, refusal, huge):
    def widen(manifest):
        manifest["shape"]["hidden"] = [huge, huge]

    wide_network = rebuilt(content, widen)
    assert peak_bytes(refusal, wide_network) < 20 * len(content)
    table = json.dumps({"calibration": {"dtype": "F64", "shape": [huge], "data_offsets": [0, 8 * huge]}}).encode()
    wide_array = packed(json.dumps(parts(content)[0]).encode(), struct.pack("<Q", len(table)) + table + bytes(8))
    assert peak_bytes(refusal, wide_array) < 20 * len(content)


# Parts that are whole, but do not fit --------------------------------------------------------------------------------


def test_a_file_that_is_rebuilt_unchanged_loads(vae, content, fresh, tmp_path):
    """So what the tests below change is what is refused."""
    (tmp_path / "same.oddrow").write_bytes(rebuilt(content))
    np.testing.assert_array_equal(oddrow.load(tmp_path / "same.oddrow").surprise(fresh), vae.surprise(fresh))


def names(content):
    return sorted(parts(content)[1])


def test_every_array_must_be_there(content, short_content, refusal):
    assert names(short_content) == names(content)
    for name in names(short_content):
        assert f"array {name!r} is missing" in refusal(
            rebuilt(short_content, None, lambda arrays, name=name: arrays.pop(name))
        )


def test_every_array_must_be_of_the_right_type(short_content, refusal):
    for name in names(short_content):

        def retype(arrays, name=name):
            with np.errstate(over="ignore"):
                arrays[name] = arrays[name].astype(np.float16)

        assert f"array {name!r} is of type 'F16'; choose from F32" in refusal(rebuilt(short_content, None, retype))


def test_every_array_must_be_of_the_right_shape(short_content, refusal):
    for name in names(short_content):

        def deepen(arrays, name=name):
            arrays[name] = arrays[name][..., None]

        def widen(arrays, name=name):
            arrays[name] = np.concatenate([arrays[name], arrays[name][..., -1:]], axis=-1)

        assert f"array {name!r} is " in refusal(rebuilt(short_content, None, deepen))
        any_length = ("calibration.scores", "network.curve.step", "knots", "edges", "quantiles", "counts")
        if not name.endswith(any_length):
            assert f"array {name!r} is " in refusal(rebuilt(short_content, None, widen))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_array_must_be_finite(short_content, refusal, value):
    for name in names(short_content):
        if parts(short_content)[1][name].dtype.kind == "i":
            continue

        def spoil(arrays, name=name):
            arrays[name] = arrays[name].copy()
            arrays[name].flat[arrays[name].size // 2] = value

        assert f"array {name!r} has values that are not finite" in refusal(rebuilt(short_content, None, spoil))


def test_an_array_too_many_is_refused(content, refusal):
    def add(arrays):
        arrays["surplus"] = np.zeros(3)

    assert "array 'surplus' is not part of any model" in refusal(rebuilt(content, None, add))


@pytest.mark.parametrize(
    "name", ["calibration.scores", "scales.likelihood.total.knots", "scales.likelihood.parts.nats"]
)
def test_scores_must_ascend(content, refusal, name):
    def turn(arrays):
        arrays[name] = arrays[name][::-1]

    assert "are not ascending" in refusal(rebuilt(content, None, turn))


def test_there_must_be_scores_to_calibrate_with(content, refusal):
    def empty(arrays):
        arrays["calibration.scores"] = arrays["calibration.scores"][:0]

    refusal(rebuilt(content, None, empty))


ADDED = {"time", "group", "gap", "n_effective", "preparation", "feedback"}
"""Entries that older files of this protocol lack."""


def test_every_entry_of_the_manifest_must_be_there(content, refusal):
    for key in parts(content)[0].keys() - ADDED:
        assert key in refusal(rebuilt(content, lambda manifest, key=key: manifest.pop(key)))


def test_a_file_without_the_entries_that_came_later_is_read(content, tmp_path, fresh):
    def without(manifest):
        for key in ADDED:
            assert manifest.pop(key) is None

    (tmp_path / "model").write_bytes(content)
    (tmp_path / "older").write_bytes(rebuilt(content, without))
    expected = oddrow.load(tmp_path / "model").surprise(fresh)
    assert oddrow.load(tmp_path / "older").surprise(fresh).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("detector", "forest"),
        ("evidence", "reconstruction"),
        ("shape", {"n_inputs": 3, "hidden": [2], "n_latent": 1, "n_outputs": 3, "is_variational": True}),
        ("encoding", {}),
        ("contamination", "often"),
        ("policy", None),
        ("policy", {"kind": "coin", "rate": 0.5}),
        ("policy", {"kind": "false-alarm-rate", "rate": 2.0}),
        ("policy", {"kind": "false-alarm-rate", "rate": 1e-9}),
        ("calibration_source", "hearsay"),
        ("n_features_in", "many"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(content, refusal, key, value):
    refusal(rebuilt(content, lambda manifest: manifest.update({key: value})))


def entries(value, path=()):
    """The path of every entry of a manifest; of lists the first two."""
    below = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value[:2]))
        if isinstance(value, list)
        else []
    )
    for key, child in below:
        yield (*path, key)
        yield from entries(child, (*path, key))


@pytest.mark.parametrize("value", [None, "x", -1, 2**70, []])
def test_any_changed_entry_of_a_manifest_raises_nothing_but_a_model_file_error(article, tmp_path, value):
    path = tmp_path / "model.oddrow"
    oddrow.save(article, path)
    content = path.read_bytes()
    for entry in entries(parts(content)[0]):

        def replace_entry(manifest, entry=entry):
            for key in entry[:-1]:
                manifest = manifest[key]
            manifest[entry[-1]] = value

        path.write_bytes(rebuilt(content, replace_entry))
        with suppress(ModelFileError):
            oddrow.load(path)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"detector": "vae"}'],
    ids=["empty", "null", "a list", "cut", "no text", "deep", "next to nothing"],
)
def test_bytes_that_are_no_manifest_are_refused(content, refusal, manifest):
    refusal(packed(manifest, content[-1000:]))


def test_bytes_that_are_no_arrays_are_refused(content, refusal):
    manifest = json.dumps(parts(content)[0]).encode()
    for arrays in (b"", b"\xff" * 8, bytes(64), struct.pack("<Q", 2) + b"{}"):
        refusal(packed(manifest, arrays))


# What is usual --------------------------------------------------------------------------------------------------------


def test_a_loaded_detector_expects_the_same_values(vae, content, fresh, tmp_path):
    (tmp_path / "model.oddrow").write_bytes(content)
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.explain(fresh, top=None) == vae.explain(fresh, top=None)
    assert loaded.explain(fresh)[0].reasons[0].usual is not None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("given", lambda array: array + 1000),
        ("given", lambda array: array * 0 + np.arange(len(array))[:, None]),
        ("given", lambda array: array - 2),
        ("starts", lambda array: array[::-1]),
        ("starts", lambda array: array * 0),
        ("starts", lambda array: array * 2**40),
        ("cells", lambda array: array + 1000),
        ("cells", lambda array: array * 0),
        ("cells", lambda array: array[1:]),
        ("missing", lambda array: array + 2),
        ("missing", lambda array: array * np.nan),
        ("values", lambda array: array * np.nan),
        ("values", lambda array: array[1:]),
        ("values", lambda array: array[::-1]),
        ("values", lambda array: array * 0 + 1e20),
        ("values", lambda array: array * 0 - 5),
    ],
)
def test_expectations_that_no_column_can_have_are_refused(content, refusal, name, change):
    def changed(arrays):
        arrays[f"expectations.{name}"] = change(arrays[f"expectations.{name}"])

    assert "expectations" in refusal(rebuilt(content, change_arrays=changed))


@pytest.mark.parametrize("name", ["given", "starts", "cells", "missing", "values"])
def test_a_file_without_one_array_of_the_expectations_is_refused(content, refusal, name):
    assert "expectations" in refusal(rebuilt(content, change_arrays=lambda arrays: arrays.pop(f"expectations.{name}")))
