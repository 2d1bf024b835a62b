"""The OpenAPI 3.1 description of the REST interface, made from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from smscore.sandbox.api.errors import ErrorBody
from smscore.sandbox.api.routes import ROUTES
from smscore.sandbox.api.routing import Nothing, RestRoute

__all__ = ["description"]

TEMPLATE: Final = "#/components/schemas/{name}"
NAMES: Final = re.compile(r'"#/components/schemas/(\w+)"')
# The statuses that refuse a call without a body, and one with a body, besides those of its own route.
WITHOUT_BODY: Final = (403, 422)
WITH_BODY: Final = (400, 403, 413, 415, 422)
DESCRIPTIONS: Final = {
    400: "The body is not JSON, or did not arrive whole.",
    403: "The call comes from a web page of another origin, or has a host name that is not allowed.",
    404: "It does not exist.",
    409: "It has no such property.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "A value is invalid; the error says which one, and why.",
    503: "Too many calls are waiting.",
}

Json = dict[str, Any]


def description() -> Json:
    """The whole description, as JSON-ready values."""
    shapes = [shape for route in ROUTES for shape in (route.path, route.query, route.body, route.returns)]
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
            "description": "The messages that an application sent to the sandbox, for tests in any language. "
            "The providers' own calls are below /<name>, with the names of /api/choices; live events are at /events.",
        },
        "paths": paths,
        "components": {"schemas": dict(used_in(paths, components))},
    }


def operation(route: RestRoute, schemas: dict[Any, Json], components: Json) -> Json:
    own = WITHOUT_BODY if route.body is Nothing else WITH_BODY
    refused = {str(status): refusal(status, schemas) for status in sorted({*own, *route.errors})}
    answer = {"description": "Done.", "content": {"application/json": {"schema": schemas[route.returns]}}}
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
    """Each field of a shape as a parameter. One that may be omitted is not nullable: a URL has no null."""
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
        "description": DESCRIPTIONS[status],
        "content": {"application/json": {"schema": schemas[ErrorBody]}},
    }


def used_in(part: Json, components: Json, seen: set[str] | None = None) -> Iterator[tuple[str, Json]]:
    """The components that a part of the description refers to, directly or through other components."""
    seen = set() if seen is None else seen
    for name in NAMES.findall(msgspec.json.encode(part).decode()):
        if name not in seen:
            seen.add(name)
            yield name, components[name]
            yield from used_in(components[name], components, seen)
