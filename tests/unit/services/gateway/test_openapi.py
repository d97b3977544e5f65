from services.gateway.openapi import merge


def document(path: str, schema: dict) -> dict:
    reference = {"schema": {"$ref": "#/components/schemas/Thing"}}
    return {
        "paths": {path: {"get": reference}, "/internal/x": {"get": {}}},
        "components": {"schemas": {"Thing": schema}},
    }


def test_only_public_paths_are_shown() -> None:
    merged = merge({"billing": document("/billing/plans", {"type": "string"})})
    assert list(merged["paths"]) == ["/billing/plans"]


def test_a_path_of_another_service_is_not_shown_as_ones_own() -> None:
    assert merge({"billing": document("/documents", {"type": "string"})})["paths"] == {}


def test_two_models_of_one_name_stay_apart() -> None:
    merged = merge(
        {
            "billing": document("/billing/plans", {"type": "string"}),
            "knowledge": document("/documents", {"type": "integer"}),
        }
    )
    assert merged["components"]["schemas"] == {"Thing": {"type": "string"}, "KnowledgeThing": {"type": "integer"}}
    assert merged["paths"]["/documents"]["get"]["schema"]["$ref"] == "#/components/schemas/KnowledgeThing"
    assert merged["paths"]["/billing/plans"]["get"]["schema"]["$ref"] == "#/components/schemas/Thing"
