"""The JSON Schema for editors says what the models say."""

import json
from importlib import resources

from iowitness.model.what_if_schema import SECTION_MODELS, what_if_schema

_SHIPPED = resources.files("iowitness.model") / "what_if.schema.json"


def test_the_shipped_schema_is_the_models() -> None:
    # Made anew with: iowitness simulate --schema >model/what_if.schema.json
    assert json.loads(_SHIPPED.read_text("utf-8")) == json.loads(json.dumps(what_if_schema()))


def test_every_field_of_every_section_is_described() -> None:
    definitions = what_if_schema()["$defs"]
    for model in SECTION_MODELS.values():
        assert definitions[model.__name__]["properties"].keys() == model.model_fields.keys()
        assert definitions[model.__name__]["additionalProperties"] is False


def test_a_field_with_a_unit_takes_numbers_and_texts() -> None:
    duration = what_if_schema()["$defs"]["WorkloadPart"]["properties"]["duration_s"]
    number, text = duration["anyOf"]
    assert number == {"exclusiveMinimum": 0, "type": "number"}
    assert "ms|s|min" in text["pattern"]


def test_no_section_demands_a_key_that_a_preset_may_give() -> None:
    schema = what_if_schema()
    assert "required" not in schema
    for model in SECTION_MODELS.values():
        assert "required" not in schema["$defs"][model.__name__]
