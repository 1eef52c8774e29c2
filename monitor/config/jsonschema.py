"""The tables that feeds.toml may hold -> a JSON Schema of them, for editors that complete and check the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from monitor.config.schema import TABLES, FileTable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def describe_schema(words: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """Give the schema; `words` are what is added to a key of a table: its `description`, `default`, `examples`.

    It is no stricter than `load_config`, and cannot know what refers to what, nor queries.
    """
    schema = FileTable.model_json_schema(schema_generator=_Generator)
    for (table, key), more in words.items():
        schema["$defs"][TABLES[table].__name__]["properties"][key].update(more)
    return {"$schema": _DIALECT, "title": "feeds.toml of monitor", **schema}


class _Generator(GenerateJsonSchema):
    """Leaves out what TOML does not have, null, and defaults: they stand in the model."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False
