"""The daemon that tells the right people once: read it as the path of one item.

    feeds.toml --config--> Feed --fetch--> Response --parse--> Entry --normalise--> Item
        --match--> Match --cluster--> Story --decide--> Alert
        --store--> Delivery --render--> Message --deliver--> a channel

Reading order: `model`, `errors`, `text`, `language`, `domain`, `log`, `config`, `fetch`, `parse`, `normalise`,
`reading`, `match`, `cluster`, `decide`, `schedule`, `trust`, `rhythm`, `health`, `store`, `pipeline`, `render`, `deliver`, `heartbeat`,
`progress`, `systemd`, `daemon`, `demo`, `cli`.
"""

__version__ = "0.1.0"
