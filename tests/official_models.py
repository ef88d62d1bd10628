"""Every successful answer that a test gets is also read by the official client's model of it."""

import inspect
import re
from functools import cache
from typing import Any, NamedTuple

import voucherify.api as official
import voucherify.models
from httpx import Response

_SERIALIZE = re.compile(r"def _(\w+)_serialize\(.*?method='(\w+)',\s+resource_path='([^']+)'", re.DOTALL)
_RESPONSE = re.compile(r"def ([a-z]\w*)\(\s+self,.*?_response_types_map: [^{]*\{(.*?)\}", re.DOTALL)
_MODEL = re.compile(r"'2\w\w': \"(?:List\[)?(\w+)")


class Operation(NamedTuple):
    """One operation as the official client knows it. `model` is None where it takes any object, or nothing; it reads
    each member of an array."""

    method: str
    path: re.Pattern[str]
    model: Any


@cache
def operations() -> list[Operation]:
    """The operations of every class of the official client; fixed segments of a path go before parameters."""
    known: list[tuple[int, Operation]] = []
    for _, api in inspect.getmembers(official, inspect.isclass):
        source = inspect.getsource(api)
        models = {name: _model(types) for name, types in _RESPONSE.findall(source)}
        for name, method, template in _SERIALIZE.findall(source):
            pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", template) + "$")
            known.append((template.count("{"), Operation(method, pattern, models.get(name))))
    # Two operations may share a method and a path: what one of them has a model of is read by that.
    return [operation for _, operation in sorted(known, key=lambda entry: (entry[0], entry[1].model is None))]


def _model(response_types: str) -> Any:
    named = _MODEL.search(response_types)
    model = getattr(voucherify.models, named.group(1), None) if named else None
    return model if hasattr(model, "from_dict") else None


def operation_of(method: str, path: str) -> Operation | None:
    return next((known for known in operations() if known.method == method and known.path.match(path)), None)


async def read_by_official_model(response: Response) -> None:
    """An httpx hook: fails the test when the official client could not read this answer."""
    method, path = response.request.method, response.request.url.raw_path.decode().partition("?")[0]
    operation = operation_of(method, path)
    if response.is_success and operation is not None and operation.model is not None:
        await response.aread()
        answer = response.json()
        for each in answer if isinstance(answer, list) else [answer]:
            assert operation.model.from_dict(each) is not None
