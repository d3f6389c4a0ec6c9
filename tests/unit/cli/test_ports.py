"""Ports: taken ones are named, chosen ones are distinct."""

import socket

import pytest

from tachograph_cli.errors import CommandError
from tachograph_cli.supervisor.ports import choose_free, is_free, require_free


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(CommandError, match=f"port {port} \\(collector\\)") as raised:
            require_free({"collector": port})
        assert "--port-offset" in raised.value.remedy
    require_free({"collector": port})


def test_chosen_ports_differ_and_are_free() -> None:
    ports = choose_free(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)
