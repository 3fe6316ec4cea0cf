"""lit: ai-opt, ai-compile and LLVM's test tools come by PATH; %python runs with the project's environment."""

import os
import sys

import lit.formats

config.name = "aic"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.ai_source, "test")
config.test_exec_root = os.path.join(config.ai_build, "test")

tools = [os.path.join(config.ai_build, "bin"), config.llvm_tools]
config.environment["PATH"] = os.pathsep.join(tools + [os.environ.get("PATH", "")])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
for name in ("AI_MNIST_DIR", "AI_LONG", "CCACHE_DIR"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

venv = os.path.join(config.ai_source, ".venv", "bin", "python")
config.substitutions += [
    ("%python", venv if os.path.exists(venv) else sys.executable),
    ("%ai_source", config.ai_source),
    ("%ai_build", config.ai_build),
    ("%examples", os.path.join(config.ai_source, "examples")),
]

with open("/proc/cpuinfo") as cpu:
    flags = next((line for line in cpu if line.startswith("flags")), "").split()
config.available_features.update({"avx2", "avx512f"} & set(flags))
if os.environ.get("AI_LONG"):
    config.available_features.add("long")
