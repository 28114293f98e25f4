"""``python -m backend.attachments.decoder``: reads one picture from standard input, writes its copies to standard
output.

The process knows no secret, opens no file and ends with this picture. It sets its limits itself, so they hold even when
the process that started it was killed meanwhile.
"""

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from backend.attachments import photos
from backend.attachments.decoder_answer import TOO_HEAVY, pack_photo, pack_refusal
from backend.attachments.picture_header import MOST_BYTES
from backend.errors import Invalid

# The largest accepted pictures need 1 s of a processor of 2024 and 690 MB (a progressive JPEG of 110 megapixels
# without subsampling); a phone's photo of 50 megapixels needs 0.3 s and 90 MB.
CPU_SECONDS: Final = 6
MEMORY: Final = 768 * 1024**2  # bytes of address space
LIFETIME: Final = 60  # seconds; by then nobody waits for the answer any more
POLITENESS: Final = 5  # of 19: pages and the database get three times as much of a busy processor


def main() -> int:
    _limit_this_process()
    try:
        answer = pack_photo(photos.reencode(sys.stdin.buffer.read(MOST_BYTES + 1)))
    except MemoryError:
        return TOO_HEAVY
    except Invalid as refusal:
        answer = pack_refusal(refusal)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return 0


def _limit_this_process() -> None:
    """Limit processor time, memory and lifetime. Where processor or memory are scarce, other processes come first."""
    signal.alarm(LIFETIME)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # some systems have no limit of the address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(POLITENESS)
    with suppress(OSError):  # Linux only: where memory runs out, this process is ended first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
