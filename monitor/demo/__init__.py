"""A sample of news, played from a loopback feed server through the whole program."""

from monitor.demo.play import play_demo

__all__ = ["play_demo"]
