"""What strangers may write into a title, and what of it services and apps would act upon."""

from __future__ import annotations

import re

# What Discord, Slack, Mattermost, Telegram, Matrix, mail programs and phones act upon in the middle of a text.
ACTIVE = re.compile(
    r"""
    [@＠][^\s\u200b…]                 # mentions, mail addresses
    | <[^\s\u200b…]                   # entities of Slack and Discord, HTML
    | \w:[^\s\d\u200b…]              # schemes
    | [^\s\u200b]\.[^\W\d_]          # bare hosts
    | \d\.\d+\.\d+\.\d              # addresses
    | \]\( | \]\[                     # links in Markdown
    | [`*] | __ | ~~ | \|\|           # code, emphasis, spoilers
    | [\x00-\x09\x0b-\x1f\x7f-\x9f]  # control characters
    | [\u202a-\u202e\u2060-\u2067]    # direction
    | [\ufeff\ud800-\udfff]
    """,
    re.VERBOSE,
)
HOSTILE = {
    # mentions
    "everyone": "@everyone read this",
    "here": "read this @here",
    "everyone within a word": "a@everyone",
    "mattermost all": "@all @channel",
    "matrix room": "@room look",
    "a person": "hello @alice_b!",
    "zulip all": "@**all** @_**Alice**",
    "fullwidth at": "＠everyone",
    "mention split by an invisible": "@\u200beveryone @\u2060here @\ufeffhere",
    "at over a line break": "@\neveryone",
    "slack channel": "<!channel> now",
    "slack here with a label": "<!here|here>",
    "slack user": "<@U024BE7LH>",
    "slack group": "<!subteam^SAZ94GDB8>",
    "slack link": "<https://evil.example|Read more>",
    "discord user": "<@!80351110224678912>",
    "discord role": "<@&165511591545143296>",
    "discord room": "<#103735883630395392>",
    "discord time": "<t:1618953630:R>",
    "discord emoji": "<a:party:392938283556143104>",
    "discord command": "</run:0>",
    # links
    "http": "win at http://evil.example/x now",
    "https in capitals": "HTTPS://EVIL.EXAMPLE",
    "no scheme": "evil.com/login",
    "www": "www.evil.example",
    "another alphabet": "пример.рф/вход",
    "punycode": "xn--e1afmkfd.xn--p1ai",
    "an emoji host": "i❤.ws/x",
    "ideographic stop": "evil。com",
    "address": "192.0.2.1/login",
    "address with a port": "http://192.0.2.1:8080/",
    "scheme without slashes": "mailto:a@evil.example javascript:alert(1) tel:+15550100",
    "telegram": "tg://resolve?domain=evil t.me/evil",
    "several schemes": "http:http://evil.example",
    "invisible in the scheme": "ht\u200btp://evil.example",
    "two dots": "a..evil.com",
    "mail address": "write to a.b@evil.example",
    # Markdown
    "masked link": "[Human Rights Watch](https://evil.example)",
    "masked link without a scheme": "[click](//evil.example)",
    "reference link": "[click][1]",
    "link definition": "[1]: https://evil.example",
    "image": "![x](https://evil.example/pixel.png)",
    "code": "`code`",
    "fence": "```\nall that follows",
    "bold": "**bold** __under__",
    "spoiler": "||hidden|| and more ||",
    "spoiler of five": "|||||",
    "strike": "~~gone~~",
    "heading": "# Heading",
    "quote of all": ">>> all that follows",
    "list": "- item",
    "rule": "---",
    "table": "a | b\n--- | ---",
    # HTML
    "script": "<script>alert(1)</script>",
    "image tag": '<img src=x onerror="alert(1)">',
    "link tag": '<a href="https://evil.example">x</a>',
    "comment": "<!-- all that follows",
    "entity": "&lt;script&gt; &#64;everyone",
    # lines and controls
    "line breaks": "one\r\ntwo\n\nthree",
    "unicode line breaks": "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "mail header": "x\r\nBcc: everyone@evil.example",
    "null": "a\x00b",
    "terminal escape": "\x1b[2J\x1b]0;owned\x07",
    "one-character escape": "\x9b31m",
    "backspace": "abc\x08\x08\x08",
    "lone surrogate": "a\ud83db",
    # direction and the invisible
    "override": "\u202egnp.exe",
    "embedding": "\u202bright\u202c to left",
    "isolate left open": "\u2067never closed",
    "isolates closed too often": "a\u2069\u2069\u2069b",
    "invisible": "z\u200be\u2060r\ufeffo",
    "tags": "flag\U000e0067\U000e007f",
    "stacked marks": "Z\u0351\u0343\u0342" * 40,
    "hundred kilobytes": "@everyone http://evil.example " * 3500,
    "right-to-left with a link": "خبر http://evil.example/خبر @everyone",
}
