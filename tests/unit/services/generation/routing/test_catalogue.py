import pytest

from libs.config.generation import Generation
from libs.config.settings import load_settings
from services.generation.routing.catalogue import CatalogueError, catalogue, without_choices

UPSTREAM = {"engine": "upstream", "url": "http://upstream/v1"}


def settings(**options) -> Generation:
    return Generation.model_validate({**dict(load_settings().generation), **options})


def last_route(found) -> list[str]:
    return list(found.routes[-1].models)


@pytest.mark.parametrize(
    ("options", "installed", "models"),
    [
        ({"engine": "auto"}, True, ["qwen", "extractive"]),
        ({"engine": "auto"}, False, ["extractive"]),
        ({"engine": "extractive"}, True, ["extractive"]),
        ({"engine": "smollm2"}, False, ["smollm2", "extractive"]),
        (
            {"engine": "upstream", "upstream_url": "http://upstream/v1", "upstream_model": "big"},
            False,
            ["big", "extractive"],
        ),
    ],
)
def test_what_answers_without_routes(options, installed, models):
    found = catalogue(settings(**options), lambda _: installed)
    assert last_route(found) == models
    assert set(found.models) == set(models)


def test_configured_models_and_routes_come_before_the_built_in_one():
    route = {"name": "all", "models": ["big", "extractive"]}
    found = catalogue(settings(engine="extractive", models={"big": UPSTREAM}, routes=[route]), lambda _: False)
    assert [list(one.models) for one in found.routes] == [["big", "extractive"], ["extractive"]]
    assert without_choices(settings(models={"big": UPSTREAM}, routes=[route])).routes == []


def test_a_route_to_weights_that_are_missing_says_how_to_get_them():
    asked = settings(engine="auto", routes=[{"name": "all", "models": ["qwen"]}])
    with pytest.raises(CatalogueError, match="footnote models install qwen"):
        catalogue(asked, lambda _: False)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"models": {"default": UPSTREAM}}, "can't be a model's name"),
        ({"models": {"big": {"engine": "upstream"}}}, "needs an http or https url"),
        ({"models": {"big": {"engine": "upstream", "url": "file:///etc/passwd"}}}, "needs an http or https url"),
        ({"models": {"big": {"engine": "openvino"}}}, "needs weights"),
        ({"models": {"b\nig": UPSTREAM}}, "pattern"),
        ({"models": {"big": {**UPSTREAM, "input_cost": float("inf")}}}, "finite"),
        ({"routes": [{"name": "all", "models": ["none"]}]}, "isn't a model"),
        ({"routes": [{"name": "all", "models": []}]}, "at least 1"),
        ({"routes": [{"name": "a", "models": ["extractive"]}] * 2}, "two routes"),
        ({"engine": "upstream"}, "needs upstream_url"),
    ],
)
def test_settings_that_make_no_sense(options, reason):
    with pytest.raises(ValueError, match=reason):
        settings(**{"engine": "extractive", **options})


def test_a_mistake_beside_a_key_doesnt_show_it():
    wrong = {"big": {"engine": "upstream", "url": "nowhere", "api_key": "sk-secret"}}
    with pytest.raises(ValueError, match="url") as refused:
        settings(models=wrong)
    assert "sk-secret" not in str(refused.value)
