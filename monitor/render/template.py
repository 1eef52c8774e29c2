"""An operator's template and the values of a message -> its body, or what is wrong with the template; knows Jinja."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2 import Template as Compiled
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from monitor.model import Format, Template

# A loop that goes wrong is stopped here, beyond what any service takes.
_OUTPUT_LENGTH = 100_000
# What an expression may come to: a name that is misspelt, a sum of text and number, a division by nothing.
_FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class TemplateFault(Exception):
    """A template that cannot be carried out; says where, and why."""


def check_template(template: Template) -> str:
    """Say what keeps a template from being compiled, with its line; empty if nothing does."""
    try:
        _compile(template, escaped=False)
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    return ""


def fill_template(template: Template, values: Mapping[str, Any], form: Format) -> str:
    """Write a body. In HTML every value is escaped; none can be changed or led to Python's inside.

    Raises:
        TemplateFault: it does not compile, cannot be carried out with these values, or does not come to an end.
    """
    pieces: list[str] = []
    length = 0
    try:
        for piece in _compile(template, escaped=form is Format.HTML).generate(values):
            pieces.append(piece)
            length += len(piece)
            if length > _OUTPUT_LENGTH:
                raise TemplateFault(f"{template.path} writes more than {_OUTPUT_LENGTH} characters")
    except _FAULTS as error:
        raise TemplateFault(f"{template.path}, line {_line(error)}: {error}") from error
    # Some pieces are Markup, which would escape the template's own words if they were added to it one by one.
    body = "".join(pieces).strip()
    if not body:
        raise TemplateFault(f"{template.path} writes nothing")
    return body


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without products, which would fill the memory or never end: "x" * 10 ** 10."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, _context: Context, operator: str, _left: Any, _right: Any) -> Any:
        raise SecurityError(f"the operator {operator} cannot be used here")


@lru_cache(maxsize=64)
def _compile(template: Template, *, escaped: bool) -> Compiled:
    sandbox = _Sandbox(autoescape=escaped, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    del sandbox.globals["range"]  # loops run over what is given, and come to an end
    return sandbox.from_string(template.source)


def _line(error: Exception) -> int:
    """Find the template's line: Jinja puts it into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return (lines[-1] if lines else None) or 1
