"""Makes `import capi` and the compiler of build/ available to every pytest file."""

import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("AI_BUILD", SOURCE / "build"))
sys.path.insert(0, str(SOURCE / "test"))
os.environ.setdefault("AI_COMPILE", str(BUILD / "bin" / "ai-compile"))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
