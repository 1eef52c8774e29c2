"""A member and a topic's open stories in, its placement out; a story's members in, its independent sources out."""

from monitor.cluster.assign import assign_story, merge_rivals
from monitor.cluster.encoder import Encoder, load_encoder
from monitor.cluster.gather import Gathering
from monitor.cluster.index import StoryIndex
from monitor.cluster.sources import independent_sources

__all__ = [
    "Encoder",
    "Gathering",
    "StoryIndex",
    "assign_story",
    "independent_sources",
    "load_encoder",
    "merge_rivals",
]
