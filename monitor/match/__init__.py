"""Item, topics -> [Match], each with its reason: which terms of the query hit, where, and the words they met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.language import language_code
from monitor.match.document import Document
from monitor.match.query import read_query
from monitor.match.terms import Node, name_hits
from monitor.model import Feed, Item, Match, Topic

__all__ = ["CompiledTopic", "compile_topic", "match_topics"]


@dataclass(frozen=True, slots=True)
class CompiledTopic:
    """A topic whose query has been read, ready for any number of items; `languages` are codes to compare by."""

    topic: Topic
    query: Node
    languages: frozenset[str]

    def admits(self, item: Item, *, feed: Feed) -> bool:
        """Tell whether the topic's `languages` and `feeds` let the item in; a nameless feed goes by its URL."""
        return (not self.languages or language_code(item.lang) in self.languages) and self.reads(feed)

    def reads(self, feed: Feed) -> bool:
        """Tell whether the topic's `feeds` let a feed in, by its name or a tag."""
        return not self.topic.feeds or not {feed.name or feed.url, *feed.tags}.isdisjoint(self.topic.feeds)


def compile_topic(topic: Topic, feeds: Sequence[Feed] = ()) -> CompiledTopic:
    """Read a topic's query once.

    Where `feeds` are given, a `tag:` that none of them has is an error too: such a topic would be silent for ever.

    Raises:
        QueryError: what is wrong, how to write it, and the 0-based character of `topic.query` where it goes wrong.
    """
    query = read_query(topic.query, tags={tag for feed in feeds for tag in feed.tags})
    return CompiledTopic(topic, query, frozenset(map(language_code, topic.languages)))


def match_topics(item: Item, topics: Sequence[CompiledTopic], *, feed: Feed) -> list[Match]:
    """Give the topics that an item belongs to, in their order, each with the terms that say so.

    The item is folded and split into words once for all topics. A match names every term that holds in some branch of
    the query that is true, with its first place in each field; terms under NOT are never among them.
    """
    document = Document(item, feed)
    matches = []
    for compiled in topics:
        if not compiled.admits(item, feed=feed):
            continue
        found = compiled.query.find(document)
        if found is not None:
            matches.append(Match(compiled.topic.name, name_hits(found, document)))
    return matches
