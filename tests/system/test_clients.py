"""The clients of the other tests are there and work by themselves."""

import json

from system import node


def test_ethers_viem_and_a_browser_work_on_this_node():
    said = json.loads(node("load.mjs"))
    assert said["byEthers"] and said["byViem"]
    assert said["heading"] == "tidemill"
