"""Filled-in tables -> the templates of channels, read from their files, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.config.document import Document, Finding, KeyPath
from monitor.model import Template
from monitor.render import check_template


def read_templates(
    document: Document, filled: Mapping[str, Any], folder: Path
) -> tuple[dict[int, Template], list[Finding]]:
    """Read the template of each channel that has one, by the channel's place; a relative file lies in `folder`.

    They are read with feeds.toml, so that what was checked is what is used until the next reload.
    """
    templates: dict[int, Template] = {}
    findings: list[Finding] = []
    channels = filled.get("channel")
    for place, channel in enumerate(channels if isinstance(channels, list) else []):
        name = channel.get("template") if isinstance(channel, dict) else None
        if isinstance(name, str) and name:
            path: KeyPath = ("channel", place, "template")
            template, fault = _read(folder / name, str(document.written(path)))
            if template is not None:
                templates[place] = template
            if fault:
                findings.append(Finding(path, f"template: {fault}"))
    return templates, findings


def _read(path: Path, shown: str) -> tuple[Template | None, str]:
    """Give the template or what is wrong with it; `shown` names it in messages."""
    try:
        template = Template(shown, path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return None, f"{shown} cannot be read: {error.strerror}"
    except ValueError:
        return None, f"{shown} is not UTF-8 text"
    fault = check_template(template)
    return (None, f"{shown}, {fault}") if fault else (template, "")
