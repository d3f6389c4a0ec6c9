"""The pass-through HTTP proxy: raw asyncio protocols with llhttp parsers on both sides."""
