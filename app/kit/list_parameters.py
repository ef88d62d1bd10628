"""The documentation of lists: their query parameters in the OpenAPI document."""

from typing import Any

from app.kit.lists import Between, Listing

_HOW_TO_FILTER = (
    "Written `filters[attribute][conditions][operator]=value`; several values are repeated or indexed. "
    "`filters[junction]=OR` asks for rows that match any attribute."
)


def list_parameters(query: type[Listing]) -> list[dict[str, Any]]:
    """The query parameters of a list, with what it can be ordered and filtered by."""
    schema = query.model_json_schema()
    parameters = []
    for name, field in schema["properties"].items():
        if _is_between(field):
            parameters += [_parameter(f"{name}[{end}]", _of_span(name, end)) for end in Between.model_fields]
        else:
            parameters.append(_parameter(name, _plain(field, schema.get("$defs", {})) | _limits(query, name)))
    return parameters + ([_filters(query)] if query.filterable.names() else [])


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    description = schema.pop("description", None)
    parameter = {"name": name, "in": "query", "required": False, "schema": schema}
    return parameter if description is None else {**parameter, "description": description}


def _is_between(field: dict[str, Any]) -> bool:
    return any(choice.get("$ref", "").endswith(f"/{Between.__name__}") for choice in field.get("anyOf", [field]))


def _of_span(name: str, end: str) -> dict[str, Any]:
    """The official clients send these names, and generated ones can."""
    return {"type": "string", "format": "date-time", "description": f"Only rows whose `{name}` is {end} this."}


def _limits(query: type[Listing], name: str) -> dict[str, Any]:
    if name == "order":
        return {"enum": query.order_names()}
    if name == "page":
        return {"maximum": getattr(query, "max_page", None)}
    return {}


def _plain(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema without null, because a parameter is left out instead, and without references."""
    choices = [choice for choice in field.get("anyOf", []) if choice.get("type") != "null"]
    own = {name: value for name, value in field.items() if name not in ("anyOf", "title", "$ref")}
    if own.get("default", ...) is None:
        del own["default"]
    reference = (choices[0] if len(choices) == 1 else field).get("$ref")
    if reference is not None:
        return _plain(definitions[reference.rpartition("/")[2]], definitions) | own
    return (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}) | own


def _filters(query: type[Listing]) -> dict[str, Any]:
    attributes = "\n".join(f"- `{name}`: {', '.join(operators)}" for name, operators in query.filterable.described())
    schema = {"type": "object", "additionalProperties": True, "description": f"{_HOW_TO_FILTER}\n\n{attributes}"}
    return {**_parameter("filters", schema), "style": "deepObject", "explode": True}
