"""How units are computed: what the processes that do it have in common."""

import subprocess
import sys

import pytest

from reprise.engine.workers import keep_freed_memory

FAULTS = """
import resource, sys
import torch
from reprise.engine.workers import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def step():  # a few megabytes a tensor, all of them held and then thrown away
    [torch.ones(1_500_000) for _ in range(8)]

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(way):
    done = subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_freed_memory_is_used_again_instead_of_being_fetched_anew():
    if not keep_freed_memory():
        pytest.skip("the C library of this machine has nothing to set")
    usual = faults("usual")
    if not usual:
        pytest.skip("the kernel of this machine counts no page faults")
    assert faults("kept") < usual / 10
