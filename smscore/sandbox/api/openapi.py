"""The OpenAPI 3.1 description of the REST interface, made of its table of routes."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from smscore.sandbox.api.errors import ErrorBody
from smscore.sandbox.api.rest import ROUTES, Nothing, RestRoute

__all__ = ["description"]

TEMPLATE: Final = "#/components/schemas/{name}"
NAMES: Final = re.compile(r'"#/components/schemas/(\w+)"')
# What any call may be refused with, besides its own.
OF_QUERIES: Final = (403, 422)
OF_BODIES: Final = (400, 403, 413, 415, 422)
WORDS: Final = {
    400: "The body is not JSON, or did not arrive whole.",
    403: "A web page of another origin, or a name that is not this machine's.",
    404: "There is none.",
    409: "It cannot have this.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "Something does not fit; the words say what.",
    503: "Too many calls wait.",
}

Json = dict[str, Any]


def description() -> Json:
    """The whole description, JSON-ready."""
    shapes = [shape for route in ROUTES for shape in (route.path, route.query, route.body, route.gives)]
    schemas, components = msgspec.json.schema_components([*shapes, ErrorBody], ref_template=TEMPLATE)
    by_shape = dict(zip([*shapes, ErrorBody], schemas, strict=True))
    for body in {route.body for route in ROUTES}:
        components[body.__name__]["additionalProperties"] = False
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.url, {})[route.method.lower()] = operation(route, by_shape, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Payamak sandbox",
            "version": "1",
            "description": "What an application sent to the sandbox, for tests in any language. "
            "The providers' own calls are below the names of /api/choices; live events are at /events.",
        },
        "paths": paths,
        "components": {"schemas": dict(used_in(paths, components))},
    }


def operation(route: RestRoute, schemas: dict[Any, Json], components: Json) -> Json:
    own = OF_QUERIES if route.body is Nothing else OF_BODIES
    refused = {str(status): refusal(status, schemas) for status in sorted({*own, *route.errors})}
    answer = {"description": "Done.", "content": {"application/json": {"schema": schemas[route.gives]}}}
    described: Json = {
        "summary": route.summary,
        "operationId": route.answer.__name__,
        "parameters": [
            *parameters("path", route.path, components),
            *parameters("query", route.query, components),
        ],
        "responses": {"200": answer, **refused},
    }
    if route.body is not Nothing:
        content = {"application/json": {"schema": schemas[route.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def parameters(where: str, shape: type, components: Json) -> Iterator[Json]:
    """Each field of a shape as a parameter; what may be left out is no null in a text."""
    if shape is Nothing:
        return
    for name, schema in components[shape.__name__]["properties"].items():
        yield {
            "name": name,
            "in": where,
            "required": where == "path",
            "schema": without_null(schema),
        }


def without_null(schema: Json) -> Json:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kinds[0]} if len(kinds) == 1 else rest


def refusal(status: int, schemas: dict[Any, Json]) -> Json:
    return {
        "description": WORDS[status],
        "content": {"application/json": {"schema": schemas[ErrorBody]}},
    }


def used_in(part: Json, components: Json, seen: set[str] | None = None) -> Iterator[tuple[str, Json]]:
    """The components that a part of the description names, and those that they name in turn."""
    seen = set() if seen is None else seen
    for name in NAMES.findall(msgspec.json.encode(part).decode()):
        if name not in seen:
            seen.add(name)
            yield name, components[name]
            yield from used_in(components[name], components, seen)
