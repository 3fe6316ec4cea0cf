_aic\.CompileError\.(filename):
    filename: str | None

_aic\.CompileError\.(lineno|offset):
    \1: int | None
