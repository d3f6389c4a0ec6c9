"""Credentials: keys of well-known shapes, tokens, private keys, passwords in assignments."""

import math
import re
from collections import Counter

from tachograph_detectors.finding import Detector


def _entropy_bits(text: str) -> float:
    """Shannon entropy of the characters, bits a character."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())


def _assigned(text: str) -> float | None:
    """A value that somebody assigned to a secret-sounding name: random enough to be one?"""
    if len(text) >= 16 and _entropy_bits(text) >= 3.0 and any(c.isdigit() for c in text):
        return 0.8
    return None


def _bearer(text: str) -> float | None:
    return 0.9 if any(character.isdigit() for character in text) else None


_KEY_SHAPES = (
    (r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}", ("AKIA", "ASIA")),  # AWS access key id
    (r"AIza[0-9A-Za-z_-]{35}", ("AIza",)),  # Google
    (r"gh[pousr]_[0-9A-Za-z]{36,255}", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),  # GitHub
    (r"github_pat_[0-9A-Za-z_]{22,255}", ("github_pat_",)),
    (r"glpat-[0-9A-Za-z_-]{20,64}", ("glpat-",)),  # GitLab
    (r"xox[abeoprs]-[0-9A-Za-z-]{10,250}", ("xox",)),  # Slack
    (r"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,250}", ("_live_", "_test_")),  # Stripe
    (r"sk-[0-9A-Za-z_-]{20,250}", ("sk-",)),  # OpenAI, Anthropic and their imitators
    (r"hf_[0-9A-Za-z]{30,64}", ("hf_",)),  # Hugging Face
    (r"npm_[0-9A-Za-z]{36}", ("npm_",)),
    (r"pypi-[0-9A-Za-z_-]{50,500}", ("pypi-",)),
    (r"SG\.[0-9A-Za-z_-]{16,64}\.[0-9A-Za-z_-]{16,64}", ("SG.",)),  # SendGrid
    (r"gsk_[0-9A-Za-z]{40,64}", ("gsk_",)),  # Groq
    (r"tg_[0-9A-Za-z_-]{16,250}", ("tg_",)),  # Tachograph
)

DETECTORS = (
    *(
        Detector("api_key", re.compile(rf"(?<![\w-])(?:{shape})(?![0-9A-Za-z_])"), 0.97, needles)
        for shape, needles in _KEY_SHAPES
    ),
    Detector(
        "jwt",
        re.compile(
            r"(?<![\w-])eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{2,16384}\.[0-9A-Za-z_-]{0,2048}"
        ),
        0.98,
        ("eyJ",),
    ),
    Detector(
        "private_key",
        # The body is anything but a dash, so that the search for the end cannot backtrack; a
        # block that was cut short is still a secret.
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^-]{0,65536}"
            r"(?:-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
        0.99,
        ("PRIVATE KEY",),
    ),
    Detector(
        "bearer_token",
        re.compile(r"(?<![\w-])[Bb](?:earer|EARER) {1,4}([0-9A-Za-z._~+/-]{16,4096}=?=?)"),
        0.9,
        ("earer ", "EARER "),
        check=_bearer,
        group=1,
    ),
    Detector(
        "url_credentials",
        re.compile(r"(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@]{0,128}:([^\s/@]{1,128})@"),
        0.9,
        ("://",),
        group=1,
    ),
    Detector(
        "password",
        re.compile(
            r"(?i)(?<![0-9a-z])(?:api|access|secret|private|auth)?[_-]?(?:key|token|secret|passwd|"
            r"password)[\"']?\s{0,4}(?:=|:|=>)\s{0,4}[\"']?([0-9a-z_+/=.~!@#$%^&*-]{8,256})"
        ),
        0.8,
        ("=", ":"),
        check=_assigned,
        group=1,
    ),
)
