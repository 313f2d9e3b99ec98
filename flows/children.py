"""Child processes that don't outlive us, not even when we are killed and can't stop them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_us() -> Callable[[], None] | None:
    """What `subprocess.Popen` takes as `preexec_fn` so that the child is told to stop (SIGTERM) when we end.

    It rests on Linux; elsewhere it is null, and a killed parent leaves its children. The thread that starts the child
    must last as long as the child should: call it from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Loaded here: between fork and exec as little as possible may happen.
    system = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        system.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(0)

    return ask
