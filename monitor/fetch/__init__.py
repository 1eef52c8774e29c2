"""Feed -> Response | NotModified: conditional GET, limits, address guard, proxies."""

from monitor.fetch.client import Fetcher

__all__ = ["Fetcher"]
