"""Phrases by which a text tries to take over a model. Patterns find known wording only: a text
without findings may still be an attack, and a text about attacks has findings."""

import re

from tachograph_detectors.finding import Detector

_GAP = r"(?:\s{1,8}[\w'’-]{1,20}){0,4}\s{1,8}"  # up to four words between two that matter
_ORDERS = r"(?:instructions?|prompts?|rules?|guidelines|directions|messages?|context|programming)"
_PAST = r"(?:previous|prior|above|earlier|preceding|former|initial|original|existing|system)"

_PHRASES = (
    (
        (
            rf"(?:ignore|disregard|forget|override|bypass|discard){_GAP}{_PAST}"
            rf"(?:\s{{1,8}}[\w'’-]{{1,20}}){{0,2}}\s{{1,8}}{_ORDERS}"
        ),
        0.9,
        ("ignore", "disregard", "forget", "override", "bypass", "discard"),
    ),
    (
        (
            rf"(?:ignore|disregard|forget){_GAP}(?:everything|anything|all){_GAP}"
            r"(?:above|before|told|said|learned)"
        ),
        0.8,
        ("ignore", "disregard", "forget"),
    ),
    (
        (
            rf"(?:reveal|print|show|repeat|output|display|leak|tell me|what (?:is|are)){_GAP}"
            r"(?:system|initial|hidden|secret|original)\s{1,8}(?:prompt|instructions?|message)"
        ),
        0.85,
        ("prompt", "instruction", "message"),
    ),
    (
        r"you are (?:now|no longer)\s{1,8}(?:a |an )?(?:dan|jailbroken|unrestricted|unfiltered|bound)",
        0.9,
        ("you are",),
    ),
    (
        (
            r"(?:do anything now|developer mode (?:enabled|output|activated)|jailbreak(?:ed)? mode|"
            r"dan mode|god mode enabled)"
        ),
        0.85,
        ("mode", "do anything now"),
    ),
    (
        (
            r"(?:pretend|act|respond|behave|answer)\s{1,8}(?:as if|as though|like)\s{1,8}you"
            r"(?:\s{1,8}[\w'’-]{1,20}){0,3}\s{1,8}(?:no|without|any)"
            r"(?:\s{1,8}[\w'’-]{1,20}){0,2}\s{1,8}(?:restrictions?|rules?|limits?|limitations?|filters?|"
            r"guidelines|ethics)"
        ),
        0.85,
        (" you",),
    ),
    (
        (
            r"(?:without|free of|free from|bypass(?:ing)?|disable|turn off)\s{1,8}(?:any |all |your |the ){0,2}"
            r"(?:safety|content|ethical|moral)\s{1,8}(?:filters?|guidelines|restrictions?|policy|policies|"
            r"constraints?|checks?)"
        ),
        0.75,
        ("safety", "content", "ethical", "moral"),
    ),
    (r"<\|(?:im_start|im_end|system|endoftext|start_header_id|eot_id)\|>", 0.7, ("<|",)),
    (r"\[/?INST\]|<</?SYS>>", 0.7, ("inst]", "sys>>")),
    (r"new (?:system )?instructions?\s{0,4}:", 0.6, ("instruction",)),
    (
        (
            r"(?:ignoriere|vergiss|missachte)(?:\s{1,8}\w{1,20}){0,3}\s{1,8}(?:vorherigen|bisherigen|obigen)"
            r"\s{1,8}(?:anweisungen|instruktionen|regeln)"
        ),
        0.9,
        ("ignoriere", "vergiss", "missachte"),
    ),
    (
        (
            r"(?:ignore|oublie[zr]?)(?:\s{1,8}\w{1,20}){0,3}\s{1,8}(?:instructions|consignes)\s{1,8}"
            r"(?:précédentes|antérieures)"
        ),
        0.9,
        ("ignore", "oublie"),
    ),
    (
        r"(?:ignora|olvida)(?:\s{1,8}\w{1,20}){0,3}\s{1,8}instrucciones\s{1,8}(?:anteriores|previas)",
        0.9,
        ("ignora", "olvida"),
    ),
)

DETECTORS = tuple(
    Detector("prompt_injection", re.compile(rf"(?i)(?<!\w)(?:{phrase})"), confidence, needles)
    for phrase, confidence, needles in _PHRASES
)
"""Needles are lower case: they are looked for in the lowered text."""
