"""`tachograph alerts`: check the rule file, list its rules, send a test message."""

import argparse
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from tachograph_evaluators.alerts.address import (
    AddressRefused,
    check_address,
    literal_address,
    parse_target,
)
from tachograph_evaluators.alerts.delivery import send
from tachograph_evaluators.alerts.event import trial_body
from tachograph_evaluators.alerts.rule_file import load_rules
from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.alerts.rules import RuleBook
from tachograph_evaluators.alerts.runtime import rules_path
from tachograph_evaluators.alerts.signature import SecretError, read_secret
from tachograph_evaluators.settings import EvaluatorSettings

HELP = "check alert rules, list them, or send a test message to a webhook"

_ACTIONS = {
    "check": (
        "say what is wrong with the rule file: secrets, and addresses that are no names",
        (
            "examples:\n"
            "  tachograph alerts check\n"
            "  tachograph alerts --rules ./alerts.toml check && cp alerts.toml ~/.tachograph/\n\n"
            "Names are not resolved: `tachograph alerts test WEBHOOK` does what a delivery would."
        ),
    ),
    "list": (
        "print the rules in the file",
        "examples:\n  tachograph alerts list\n  tachograph alerts --rules ./alerts.toml list",
    ),
    "test": (
        "send a signed test message now",
        "examples:\n  tachograph alerts test on-call",
    ),
}

EXIT_OK = 0
EXIT_FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "examples:\n"
        "  tachograph alerts check\n"
        "  tachograph alerts --rules ./alerts.toml check\n"
        "  tachograph alerts list\n"
        "  tachograph alerts test on-call"
    )
    parser.add_argument(
        "--rules",
        type=Path,
        help="rule file (TACHOGRAPH_EVALUATORS_ALERT_RULES, else alerts.toml in TACHOGRAPH_HOME)",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|list|test")
    for name, (summary, examples) in _ACTIONS.items():
        action = actions.add_parser(
            name,
            help=summary,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == "test":
            action.add_argument("webhook", help="name of a [[webhook]] of the rule file")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 when all is well, 1 when the file or the webhook is not."""
    try:
        book = load_rules(args.rules or rules_path(EvaluatorSettings()))
    except RuleFileError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    if args.action == "check":
        return _check(book)
    if args.action == "list":
        return _list(book)
    return _test(book, args.webhook)


def _check(book: RuleBook) -> int:
    status = EXIT_OK
    for webhook in book.webhooks.values():
        try:
            read_secret(webhook)
            address = literal_address(parse_target(webhook.url))
            if address is not None:
                check_address(address, allow_private=webhook.allow_private)
        except (SecretError, AddressRefused) as error:
            print(f'webhook "{webhook.name}": {error}', file=sys.stderr)
            status = EXIT_FAILED
    for rule in book.rules:
        if not rule.notify:
            print(f'rule "{rule.name}" tells nobody: add notify = ["…"] if that is not meant')
    print(f"{len(book.rules)} rules, {len(book.webhooks)} webhooks")
    return status


def _list(book: RuleBook) -> int:
    for rule in book.rules:
        segment = f" [{rule.segment}]" if rule.segment.facts() else ""
        print(
            f"{rule.project}: {rule.name}{segment}: {rule.severity} when {rule.metric.name} is "
            f"{rule.condition.describe()}; tells {', '.join(rule.notify) or 'nobody'}"
        )
    return EXIT_OK


def _test(book: RuleBook, name: str) -> int:
    webhook = book.webhooks.get(name)
    if webhook is None:
        known = ", ".join(book.webhooks) or "(none)"
        print(f"no webhook {name} in the rule file; there are: {known}", file=sys.stderr)
        return EXIT_FAILED
    message_id = f"msg_{uuid.uuid4().hex}"
    answer = send(webhook, message_id, trial_body(message_id, name, datetime.now(UTC)))
    if answer.error is not None:
        print(f"webhook {name}: {answer.error}", file=sys.stderr)
        return EXIT_FAILED
    print(f"webhook {name} answered {answer.http_status}")
    return EXIT_OK
