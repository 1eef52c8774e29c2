"""Delivery -> Message: what one channel is told, in its language, its format and its service's limits."""

from monitor.render.alert import render_alert
from monitor.render.notice import render_notice, render_test
from monitor.render.summary import render_summary
from monitor.render.template import check_template
from monitor.render.words import LANGUAGES, spoken_language

__all__ = [
    "LANGUAGES",
    "check_template",
    "render_alert",
    "render_notice",
    "render_summary",
    "render_test",
    "spoken_language",
]
